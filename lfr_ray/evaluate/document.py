"""The JSON document of an evaluation and of a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lfr_ray.evaluate.covered import CoveredFigures
from lfr_ray.evaluate.evaluation import Evaluation, Recognition, RulesCompared
from lfr_ray.evaluate.groups import FIGURES, ColumnFigures, GroupFigures
from lfr_ray.evaluate.tail import HeldOut, TailReport
from lfr_ray.evaluate.verification import OperatingPoint
from lfr_ray.stats import CONFIDENCE, REPLICATES, rounded

SCHEMA = "lfr-evaluation/1"


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """What ``lfr evaluate --json`` writes: no name of a person, no file name, no vector."""
    figures = evaluation.all_pictures
    searches = evaluation.searches
    return {
        "model": evaluation.model,
        "identities": evaluation.identities,
        "images": evaluation.images,
        "failure_to_acquire": {
            "count": figures.failures,
            "of": evaluation.images,
            **figures.failure_to_acquire.document(),
            "reasons": dict(evaluation.reasons),
        },
        "verification": {
            "genuine": len(evaluation.pairs.genuine),
            "impostor": evaluation.pairs.impostor_count,
            "tar_at_far": _points(figures.verification, "false_accepts"),
            "tar_of_attempts_at_far": {
                f"{point.target:g}": rounded(value)
                for point, value in zip(figures.verification, evaluation.attempts, strict=True)
            },
            "det": [
                {"threshold": rounded(one.threshold), "fmr": rounded(one.fmr), "fnmr": one.fnmr.document()}
                for one in evaluation.det
            ],
        },
        "identification": {
            "enrolled": len(searches.split.enrolled),
            "mated_searches": len(searches.mated_own),
            "non_mated_searches": len(searches.non_mated_top),
            "tpir_at_fpir": _points(figures.identification, "false_alerts"),
            "tpir_at_fpir_plain": None
            if evaluation.not_normalised is None
            else _points(evaluation.not_normalised, "false_alerts"),
            "rank_one": evaluation.rank_one.document(),
            "failures": {
                "enrolment": searches.enrolment_failures,
                "mated": searches.mated_failures,
                "non_mated": searches.non_mated_failures,
            },
        },
        "schema": SCHEMA,
        "detector": evaluation.detector,
        "intervals": {"confidence": CONFIDENCE, "method": "bootstrap over identities", "replicates": REPLICATES},
        "quality_gate": {
            "would_refuse": dict(evaluation.gate_reasons),
            "with_gate": None
            if evaluation.with_gate is None
            else _recognition(evaluation.with_gate, evaluation.images),
        },
        "false_match_tail": None if evaluation.tail is None else tail_document(evaluation.tail),
        "card_check": [
            {
                "kind": one.kind,
                "rate": one.rate,
                "similarity": rounded(one.similarity),
                "expected": rounded(one.expected),
                "counted": one.counted,
                "within_factor_two": one.within,
            }
            for one in evaluation.card_check
        ],
        "error_versus_discard": None
        if evaluation.discard is None
        else {
            "far": 0.001,
            "gain_at_tenth": rounded(evaluation.discard.gain),
            "share": list(evaluation.discard.shares),
            "fnmr": [rounded(value) for value in evaluation.discard.fnmr],
        },
        "several_views": _compared(evaluation.fusion, "views", "passages"),
        "several_enrolled": _compared(evaluation.several_enrolled, "pictures", "searches"),
        "covered": {one.region: _covered(one) for one in evaluation.covered},
        "groups": {column.column: _column(column) for column in evaluation.groups},
    }


def tail_document(report: TailReport) -> dict[str, Any]:
    """A tail fit with the starts that were considered."""
    fit = report.fit
    return {
        **{name: rounded(value) for name, value in fit.model_dump().items()},
        "comparisons": fit.comparisons,
        "largest_similarity": rounded(report.largest),
        "starts_considered": [
            {
                "start": rounded(one.start),
                "rate": rounded(one.rate),
                "exceedances": one.exceedances,
                "shape": rounded(one.shape),
                "p_value": rounded(one.p_value),
            }
            for one in report.candidates
        ],
    }


def held_out_document(rows: Sequence[HeldOut]) -> list[dict[str, Any]]:
    """Predicted against observed false match rates on people who were not used for the fit."""
    return [
        {
            "predicted": row.rate,
            "observed": rounded(row.observed),
            "ratio": {"median": rounded(row.ratio), "p10": rounded(row.low), "p90": rounded(row.high)},
            "within_factor_two": rounded(row.within),
            "expected_false_matches": rounded(row.expected),
        }
        for row in rows
    ]


def _points(points: tuple[OperatingPoint, ...], errors: str) -> dict[str, Any]:
    return {
        f"{point.target:g}": {
            **point.rate.document(),
            "threshold": rounded(point.threshold),
            errors: point.accepted,
            "resolved": point.resolved,
        }
        for point in points
    }


def _recognition(figures: Recognition, images: int) -> dict[str, Any]:
    return {
        "failure_to_acquire": {"count": figures.failures, "of": images, **figures.failure_to_acquire.document()},
        "tar_at_far": _points(figures.verification, "false_accepts"),
        "tpir_at_fpir": _points(figures.identification, "false_alerts"),
    }


def _compared(found: RulesCompared | None, pictures: str, searches: str) -> dict[str, Any] | None:
    if found is None:
        return None
    counts = {pictures: found.pictures, searches: found.searches, "impostor": found.impostor}
    return {**counts, "tar_at_far": _rows(found.rows)}


def _covered(figures: CoveredFigures) -> dict[str, Any]:
    return {
        "images": figures.pictures,
        "identities": figures.people,
        "genuine": figures.genuine,
        "impostor": figures.impostor,
        "tar_at_far": _rows(figures.rows),
    }


def _rows(rows: tuple[tuple[str, tuple[OperatingPoint, ...]], ...]) -> dict[str, Any]:
    return {name: _points(points, "false_accepts") for name, points in rows}


def _column(column: ColumnFigures) -> dict[str, Any]:
    return {
        "groups": {group.group: _group(group) for group in column.groups},
        "not_stated": column.not_stated,
        "differential": {
            one.figure: {**one.ratio.document(), "highest": one.highest, "lowest": one.lowest}
            for one in column.differentials
        },
    }


def _group(group: GroupFigures) -> dict[str, Any]:
    rates = {name: getattr(group, name).document() for name in ("failure_to_acquire", *FIGURES)}
    return {"identities": group.identities, "images": group.pictures, **rates}
