"""The JSON document of a calibration."""

from __future__ import annotations

from typing import Any

from lfr_ray.evaluate.calibrate_thresholds import CalibrationReport, ComparisonKind, ThresholdRow
from lfr_ray.evaluate.evaluation_document import held_out_document, plain, some, tail_document
from lfr_ray.evaluate.lfw_pairs import PairAccuracy
from lfr_ray.models.card_calibration import Calibration
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
            **some(report.reliability, "searches", "brier", "brier_constant"),
            "bins": [
                {"from": one.low, "to": one.high, **some(one, "searches", "stated", "observed")}
                for one in report.reliability.bins
            ],
        },
        "symmetric_norm": {
            f"{gain.far:g}": some(gain, "plain", "normalised", "difference", "sd") for gain in report.gains
        },
        "list_of_pairs": plain(accuracy),
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
