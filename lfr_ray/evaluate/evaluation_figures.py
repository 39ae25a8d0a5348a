"""One evaluation, from vectors to figures: what the document and the report are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Normaliser, Pairs, compare_all
from lfr_ray.evaluate.card_check import Kept, check_card
from lfr_ray.evaluate.covered_faces import CoveredFigures, measure_covered
from lfr_ray.evaluate.enrolment_fusion import ENROLMENT_RULES, make_enrolments
from lfr_ray.evaluate.error_versus_discard import DiscardCurve, discard_curve
from lfr_ray.evaluate.false_match_tail import TailReport, fit_tail
from lfr_ray.evaluate.figures_by_group import ColumnFigures, GroupTable, measure_groups
from lfr_ray.evaluate.identification import FPIRS, Searches, rank_one, search_all, tpir_at_fpir
from lfr_ray.evaluate.labelled_samples import Samples, check_enough, if_enough
from lfr_ray.evaluate.probe_fusion import RULES, compare_passages, make_passages
from lfr_ray.evaluate.verification import (
    FARS,
    DetPoint,
    OperatingPoint,
    det_curve,
    tar_at_far,
    tar_of_attempts,
    threshold_at,
)
from lfr_ray.models.card_calibration import Calibration
from lfr_ray.stats import Interval, clopper_pearson

GROUP_FAR = 0.001
GROUP_FPIR = 0.01
FUSED_VIEWS = 3
ENROLLED_PICTURES = 2
LEAST_SEARCHES = 20
"""Joining pictures is measured where at least so many passages or searches can be made."""

MATCHER_RULE, MATCHER = "mean", "matcher"
"""How the matcher joins views, and what the same with its score normalisation is called."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recognition:
    """Verification and identification of one set of pictures."""

    failure_to_acquire: Interval
    failures: int
    verification: tuple[OperatingPoint, ...]
    identification: tuple[OperatingPoint, ...]


@dataclass(frozen=True, slots=True)
class RulesCompared:
    """Rules of joining so many pictures of one person, all on the same comparisons: by rule, TAR at ``FARS``."""

    pictures: int
    searches: int
    impostor: int
    rows: tuple[tuple[str, tuple[OperatingPoint, ...]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Everything that was measured.

    Attributes:
        reasons: Failures to acquire by reason.
        quality_faults: Pictures with a vector that the live quality check would refuse, by reason.
        all_pictures: Figures over every picture that gave a vector.
        with_quality_check: The same with the live quality check; None where it refuses nothing or leaves too little.
        not_normalised: The open-set figures without score normalisation; None where the others have none either.
        rank_one: Mated searches of which the right entry is the nearest.
        attempts: TAR at ``FARS`` with unusable pictures counted as refusals.
        tail: None with too few pairs.
        discard: Of the quality value; None without a miss.
        fusion: Several views of a passage against one picture each; None with too few pictures.
        several_enrolled: Several enrolled pictures against single searches; None with too few pictures.
        covered: Faces of which one half is covered; empty with too few of them.
        card_check: False matches by the card's fits against those counted; empty without a card or with too few.
    """

    model: str
    detector: str
    identities: int
    images: int
    reasons: Mapping[str, int]
    quality_faults: Mapping[str, int]
    all_pictures: Recognition
    with_quality_check: Recognition | None
    not_normalised: tuple[OperatingPoint, ...] | None
    rank_one: Interval
    attempts: tuple[float | None, ...]
    det: tuple[DetPoint, ...]
    trade_off: tuple[tuple[float, Interval], ...]
    tail: TailReport | None
    discard: DiscardCurve | None
    groups: tuple[ColumnFigures, ...]
    fusion: RulesCompared | None
    several_enrolled: RulesCompared | None
    covered: tuple[CoveredFigures, ...]
    card_check: tuple[Kept, ...]
    pairs: Pairs = field(repr=False)
    searches: Searches = field(repr=False)


def evaluate(
    samples: Samples,
    model: str,
    detector: str,
    *,
    normaliser: Normaliser | None = None,
    calibration: Calibration | None = None,
    groups: GroupTable | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure everything.

    The open-set figures are taken with the matcher's score normalisation, and without it for comparison; the fits of
    the card's calibration are checked; ``progress`` is called with what is done next.

    Raises:
        InputError: Too few identities, pictures or usable faces.
        ModelError: The model gives every face the same vector.
    """
    say = progress or (lambda _: None)
    check_enough(samples)
    say("comparing all pairs")
    pairs, searches = compare_all(samples), search_all(samples, normaliser)
    say("intervals over identities")
    figures = _recognition(samples, pairs, searches)
    say("error trade-off")
    det = tuple(det_curve(pairs))
    say("false-match tail, groups, several views")
    match_threshold = threshold_at(pairs.impostor, pairs.impostor_count, GROUP_FAR)
    search_threshold = next(point.threshold for point in figures.identification if point.target == GROUP_FPIR)
    return Evaluation(
        model=model,
        detector=detector,
        identities=samples.size,
        images=len(samples.identity),
        reasons=_counted(samples.reasons),
        quality_faults=_counted(samples.quality_faults),
        all_pictures=figures,
        with_quality_check=_with_quality_check(samples, normaliser),
        not_normalised=None if normaliser is None else tuple(tpir_at_fpir(search_all(samples), FPIRS)),
        rank_one=rank_one(searches),
        attempts=tuple(tar_of_attempts(pairs, samples.pictures, point.threshold) for point in figures.verification),
        det=det,
        trade_off=_trade_off(searches),
        tail=if_enough(lambda: fit_tail(pairs)),
        discard=discard_curve(samples, samples.quality, match_threshold),
        groups=()
        if groups is None
        else tuple(
            measure_groups(
                samples, pairs, searches, groups, match_threshold=match_threshold, search_threshold=search_threshold
            )
        ),
        fusion=_fusion(samples, normaliser),
        several_enrolled=_several_enrolled(samples),
        covered=measure_covered(samples, FARS),
        card_check=()
        if calibration is None
        else check_card(samples, calibration, normaliser, FUSED_VIEWS, MATCHER_RULE),
        pairs=pairs,
        searches=searches,
    )


def _recognition(samples: Samples, pairs: Pairs, searches: Searches) -> Recognition:
    lost = int((~samples.acquired).sum())
    return Recognition(
        clopper_pearson(lost, len(samples.identity)),
        lost,
        tuple(tar_at_far(pairs, FARS)),
        tuple(tpir_at_fpir(searches, FPIRS)),
    )


def _with_quality_check(samples: Samples, normaliser: Normaliser | None) -> Recognition | None:
    """The figures behind the live quality check, where it refuses something and leaves enough to measure."""
    if not any(fault and not reason for fault, reason in zip(samples.quality_faults, samples.reasons, strict=True)):
        return None
    checked = samples.without(samples.quality_faults)
    try:
        check_enough(checked)
    except InputError:
        return None
    return _recognition(checked, compare_all(checked), search_all(checked, normaliser))


def _trade_off(searches: Searches) -> tuple[tuple[float, Interval], ...]:
    """TPIR over FPIR, from one false alert in all non-mated searches to one in every two."""
    count = len(searches.non_mated_top)
    if count == 0 or len(searches.mated_own) == 0:
        return ()
    targets = tuple(float(one) for one in np.geomspace(1 / count, 0.5, 15))
    points = tpir_at_fpir(searches, targets, replicates=300)
    return tuple((point.accepted / count, point.rate) for point in points)


def _fusion(samples: Samples, normaliser: Normaliser | None) -> RulesCompared | None:
    passages = if_enough(lambda: make_passages(samples, FUSED_VIEWS))
    if passages is None:
        return None
    compared = [(rule, compare_passages(passages, rule)) for rule in RULES]
    if normaliser is not None:
        compared.append((MATCHER, compare_passages(passages, MATCHER_RULE, normaliser)))
    return _rules_compared(FUSED_VIEWS, len(passages.identity), compared)


def _several_enrolled(samples: Samples) -> RulesCompared | None:
    enrolments = if_enough(lambda: make_enrolments(samples, ENROLLED_PICTURES))
    if enrolments is None:
        return None
    compared = [(rule, compare_passages(enrolments, way)) for rule, way in ENROLMENT_RULES.items()]
    return _rules_compared(ENROLLED_PICTURES, len(enrolments.entries), compared)


def _rules_compared(pictures: int, searches: int, compared: list[tuple[str, Pairs]]) -> RulesCompared | None:
    if searches < LEAST_SEARCHES:
        return None
    rows = tuple((rule, tuple(tar_at_far(pairs, FARS, replicates=300))) for rule, pairs in compared)
    return RulesCompared(pictures, searches, compared[0][1].impostor_count, rows)


def _counted(reasons: tuple[str, ...]) -> dict[str, int]:
    return dict(sorted(Counter(reason for reason in reasons if reason).items(), key=lambda one: (-one[1], one[0])))
