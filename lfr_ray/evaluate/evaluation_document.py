"""The JSON document of an evaluation and of a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from lfr_ray.evaluate.covered_faces import CoveredFigures
from lfr_ray.evaluate.evaluation_figures import Evaluation, Recognition, RulesCompared
from lfr_ray.evaluate.false_match_tail import HeldOut, TailReport
from lfr_ray.evaluate.figures_by_group import FIGURES, ColumnFigures
from lfr_ray.evaluate.verification import OperatingPoint
from lfr_ray.stats import CONFIDENCE, REPLICATES, Interval, rounded

SCHEMA = "lfr-evaluation/1"


def plain(value: Any) -> Any:
    """A figure, or a row of them, as JSON holds it: numbers with six digits, intervals with their bounds."""
    if isinstance(value, Interval):
        return value.document()
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return value


def some(value: Any, *names: str) -> dict[str, Any]:
    """These figures of a row."""
    return {name: plain(getattr(value, name)) for name in names}


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
            "det": plain(evaluation.det),
        },
        "identification": {
            "enrolled": searches.enrolled,
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
            "would_refuse": dict(evaluation.quality_faults),
            "with_gate": None
            if evaluation.with_quality_check is None
            else _recognition(evaluation.with_quality_check, evaluation.images),
        },
        "false_match_tail": None if evaluation.tail is None else tail_document(evaluation.tail),
        "card_check": [{**plain(one), "within_factor_two": one.within} for one in evaluation.card_check],
        "error_versus_discard": None
        if evaluation.discard is None
        else {
            "far": 0.001,
            "gain_at_tenth": rounded(evaluation.discard.gain),
            "share": plain(evaluation.discard.shares),
            "fnmr": plain(evaluation.discard.fnmr),
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
            some(one, "start", "rate", "exceedances", "shape", "p_value") for one in report.candidates
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
        "groups": {
            one.group: {
                "identities": one.identities,
                "images": one.pictures,
                **some(one, "failure_to_acquire", *FIGURES),
            }
            for one in column.groups
        },
        "not_stated": column.not_stated,
        "differential": {
            one.figure: {**one.ratio.document(), "highest": one.highest, "lowest": one.lowest}
            for one in column.differentials
        },
    }
