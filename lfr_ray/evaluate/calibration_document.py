"""The JSON document of a calibration."""

from __future__ import annotations

from typing import Any

from lfr_ray.evaluate.calibrate import CalibrationReport, ComparisonKind, ThresholdRow
from lfr_ray.evaluate.document import held_out_document, tail_document
from lfr_ray.evaluate.pair_list import PairAccuracy
from lfr_ray.models.calibration import Calibration
from lfr_ray.stats import rounded

SCHEMA = "lfr-calibration/1"


def calibration_document(
    report: CalibrationReport, calibration: Calibration, accuracy: PairAccuracy | None = None
) -> dict[str, Any]:
    """What ``lfr calibrate --json`` writes."""
    kinds = [kind for kind in (report.single, report.fused, report.fused_plain) if kind is not None]
    for one in report.covered:
        kinds += [one.fused] if one.fused_plain is None else [one.fused, one.fused_plain]
    return {
        "schema": SCHEMA,
        "model": report.model,
        "identities": report.identities,
        "images": report.images,
        "views": report.views,
        "decisive": report.decisive.name,
        "kinds": {kind.name: _kind(kind) for kind in kinds},
        "thresholds": [_row(row) for row in report.thresholds],
        "held_out": held_out_document(report.held_out),
        "held_out_fused": held_out_document(report.fused_held_out),
        "probability": {
            "searches": report.reliability.searches,
            "brier": rounded(report.reliability.brier),
            "brier_constant": rounded(report.reliability.brier_constant),
            "bins": [
                {
                    "from": one.low,
                    "to": one.high,
                    "searches": one.searches,
                    "stated": rounded(one.predicted),
                    "observed": one.observed.document(),
                }
                for one in report.reliability.bins
            ],
        },
        "symmetric_norm": {
            f"{gain.far:g}": {
                "plain": rounded(gain.plain),
                "normalised": rounded(gain.normalised),
                "difference": rounded(gain.difference),
                "sd": rounded(gain.sd),
            }
            for gain in report.gains
        },
        "list_of_pairs": None
        if accuracy is None
        else {
            "accuracy": rounded(accuracy.accuracy),
            "standard_error": rounded(accuracy.standard_error),
            "pairs": accuracy.pairs,
            "left_out": accuracy.left_out,
        },
        "calibration": calibration.model_dump(mode="json", exclude_none=True),
    }


def _kind(kind: ComparisonKind) -> dict[str, Any]:
    return {
        "genuine": len(kind.pairs.genuine),
        "impostor": kind.pairs.impostor_count,
        "tail": tail_document(kind.tail),
        "right_person": {name: rounded(value) for name, value in kind.genuine.model_dump().items()},
    }


def _row(row: ThresholdRow) -> dict[str, Any]:
    return {
        "list_size": row.list_size,
        "false_alerts_per_10k_faces": rounded(row.alerts_per_10k),
        "threshold": rounded(row.threshold.similarity),
        "expected_false_alerts_per_10k_faces": rounded(row.threshold.false_alerts_per_10k_faces),
        "comparison_rate": row.rate.document(),
        "floor": rounded(row.threshold.floor),
        "at_floor": row.threshold.at_floor,
        "extrapolated": row.threshold.extrapolated,
        "found": rounded(row.found),
        "found_fitted": rounded(row.found_fitted),
    }
