"""How similar a tracklet must be before it counts, as a function of the list's size.

With N entries a stranger has N chances to be mistaken, so the same threshold means ten times as many false
matches on a list ten times as long. The card's calibration says which threshold suits which size, and how the
strangers' similarities thin out towards the top: from both, the threshold for another size follows such that a
passing stranger's chance of a false match stays what it was.

Similarities of covered faces, and those to a list too short for score normalisation, are on scales of their own. A
threshold that a site or an authority states is one of uncovered faces; what it means for others is told by its rate of
false alerts, so that covering a face never makes a false alert likelier than was allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lfr_ray.config import MatchConfig
from lfr_ray.errors import ConfigError
from lfr_ray.models.card_calibration import AlertThreshold, Calibration, CoveredFit, GenuineFit, TailFit

FACES = 10_000
"""False alerts are stated by so many faces."""

CEILING_PER_10K = 10.0
"""No threshold may allow more false alerts in 10,000 faces than this: one in a thousand, at the actual list size."""

LEAST_PER_10K = 1e-6
"""A stated threshold beyond the fitted tail asks for no false alert at all; of covered faces, for fewer than this."""


DEFAULT_PER_10K = 1.0
"""What a single view is allowed where the card does not say how rare false alerts of fused views are."""

SINGLE_SHARE = 0.5
"""Share of the fused views' false alerts that a single view is allowed: before there are three to be fused, two views
of a face at most are judged by themselves, so that both together are as rare as the fused ones."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a tracklet has to reach.

    Attributes:
        fused: Similarity of the fused views.
        view: Similarity of one view that counts as agreeing.
        floor: The fused threshold can never be lower than this at this list size.
    """

    fused: float
    view: float
    floor: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What similarities of one kind of comparison mean, by the model's card.

    Attributes:
        threshold: The card's own threshold of fused views.
        view: The card's own for one view.
        size: The list size that the threshold is for.
        tail: How strangers' fused similarities thin out, or None.
        genuine: The right person's fused similarities, or None.
        moves: The fit along which the threshold moves with the list; where there is no other, that of single views.
        counted_size: The list size that false alerts are counted with.
    """

    threshold: float
    view: float
    size: int
    tail: TailFit | None
    genuine: GenuineFit | None
    moves: TailFit | None
    counted_size: int


def scale_of(calibration: Calibration, list_size: int, *, normalised: bool | None = None, covered: str = "") -> Scale:
    """The scale of comparisons with a list.

    Similarities to a list too short for score normalisation are on a scale of their own. Where they are normalised,
    strangers' chances hardly depend on the list's size (measured from 100 to 850 entries): so false alerts on a list
    shorter than the card's are counted as if it were as long as that.

    Args:
        calibration: The card's.
        list_size: Entries in force.
        normalised: Whether the similarities are normalised; default: :func:`is_normalised`.
        covered: The region of the face that is covered, one of ``records.REGIONS``; empty: none.
    """
    fit: Calibration | CoveredFit = calibration.covered[covered] if covered else calibration
    tail: TailFit | None = fit.tail if isinstance(fit, CoveredFit) else fit.fused_tail
    genuine: GenuineFit | None = fit.genuine if isinstance(fit, CoveredFit) else fit.fused_genuine
    short_size = calibration.short_list_size
    if fit.score_norm is None:
        moves, least_size = tail or calibration.tail, short_size if covered else 1
    elif is_normalised(fit, list_size) if normalised is None else normalised:
        moves, least_size = tail, fit.list_size
    else:
        threshold = fit.threshold if fit.short_list_threshold is None else fit.short_list_threshold
        tail, size = fit.short_tail, max(list_size, short_size)
        return Scale(threshold, fit.view_threshold, short_size, tail, fit.short_genuine, tail, size)
    size = max(list_size, least_size)
    return Scale(fit.threshold, fit.view_threshold, fit.list_size, tail, genuine, moves, size)


def is_normalised(calibration: Calibration | CoveredFit, list_size: int) -> bool:
    """Whether the matcher normalises similarities at this list size."""
    return calibration.score_norm is not None and list_size >= calibration.score_norm.min_entries


def thresholds_for(
    calibration: Calibration, config: MatchConfig, list_size: int, *, normalised: bool | None = None, covered: str = ""
) -> Thresholds:
    """Thresholds at a list size; the arguments are those of :func:`scale_of`, and the site's configuration.

    A rate of false alerts that is asked for gives the threshold by the card's fit. A configured threshold is taken as
    it is, down to the floor. Otherwise the card's own is moved to the list size.

    Raises:
        ConfigError: The configuration asks for less than the floor, or for a rate that the card has no fit for.

    >>> calibration = Calibration(threshold=0.9, view_threshold=0.8, list_size=500, relative=0.85, data="x")
    >>> thresholds_for(calibration, MatchConfig(), 500)
    Thresholds(fused=0.9, view=0.8, floor=0.8)
    """
    if covered:
        return _covered(calibration, config, list_size, normalised, covered)
    scale = scale_of(calibration, list_size, normalised=normalised)
    floor = _floor(scale)
    view = config.view_threshold if config.view_threshold is not None else scale.view
    if config.false_alerts_per_10k_faces is not None:
        return Thresholds(max(floor, _asked_for(scale, config.false_alerts_per_10k_faces)), view, floor)
    if config.threshold is None:
        return Thresholds(max(floor, _moved(scale)), view, floor)
    if config.threshold < floor:
        raise ConfigError(
            "match -> threshold is below the floor of the model card",
            got=f"{config.threshold:g}",
            allowed=f"at least {floor:.4f} with {list_size} entries; the card advises {calibration.threshold:g} with "
            f"{calibration.list_size}",
            next_step="raise it, or leave it out: the card's own threshold then follows the list's size",
        )
    return Thresholds(config.threshold, view, floor)


def single_thresholds(
    calibration: Calibration, config: MatchConfig, list_size: int, *, normalised: bool | None = None
) -> Thresholds:
    """What one view has to reach that is judged by itself: stricter than fused views, as no other view has to agree.

    Similarities of single views are plain: no cohort takes part. The card's fit of single comparisons tells which
    similarity strangers reach half as often as they reach the threshold of fused views, or as rarely as the site asks
    for. The arguments are those of :func:`thresholds_for`.

    Raises:
        ConfigError: The card has no fit of single comparisons, or what :func:`thresholds_for` raises.
    """
    fused = thresholds_for(calibration, config, list_size, normalised=normalised)
    scale = single_scale(calibration, list_size)
    asked = config.false_alerts_per_10k_faces
    if asked is None:
        share = expected_false_alerts(calibration, fused.fused, list_size, normalised=normalised)
        asked = DEFAULT_PER_10K if share is None else share * FACES * SINGLE_SHARE
    similarity = _asked_for(scale, min(max(asked, LEAST_PER_10K), CEILING_PER_10K))
    similarity = max(similarity, fused.fused)
    return Thresholds(similarity, similarity, _floor(scale))


def single_scale(calibration: Calibration, list_size: int) -> Scale:
    """The scale of single views that are judged by themselves."""
    own, size = calibration, max(list_size, calibration.short_list_size)
    return Scale(own.threshold, own.view_threshold, own.list_size, own.tail, own.genuine, own.tail, size)


def expected_false_alerts(
    calibration: Calibration, threshold: float, list_size: int, *, normalised: bool | None = None, covered: str = ""
) -> float | None:
    """Share of passing strangers who are mistaken for somebody on the list, by the card's fit; None without one."""
    scale = scale_of(calibration, list_size, normalised=normalised, covered=covered)
    if scale.tail is None:
        return None
    rate = min(scale.tail.rate_at(threshold), 0.999999)
    return -math.expm1(math.log1p(-rate) * scale.counted_size)


def threshold_for(tail: TailFit, list_size: int, false_alerts_per_10k_faces: float) -> AlertThreshold:
    """The threshold for a list of so many entries in force: what the site accepts, but never below the floor.

    ``tail`` is of the comparisons that will be made: one view, or fused views.

    Raises:
        ConfigError: No such list or rate.
    """
    rate = comparison_rate(list_size, min(false_alerts_per_10k_faces, CEILING_PER_10K))
    floor = tail.similarity_at(comparison_rate(list_size, CEILING_PER_10K))
    similarity = max(tail.similarity_at(rate), floor)
    expected = tail.rate_at(similarity)
    alerts = -math.expm1(math.log1p(-expected) * list_size) * FACES
    at_floor = false_alerts_per_10k_faces > CEILING_PER_10K
    return AlertThreshold(similarity, alerts, expected, floor, at_floor, tail.extrapolates(rate))


def comparison_rate(list_size: int, false_alerts_per_10k_faces: float) -> float:
    """False match rate of one comparison that gives so many false alerts with a list of that size.

    With ``N`` entries a passer-by is compared ``N`` times, so a share ``p`` of false alerts among faces allows
    ``1 - (1 - p) ** (1 / N)`` a comparison, about ``p / N``.

    >>> round(comparison_rate(10_000, 10_000 / 6_000) * 1e8, 2)
    1.67
    """
    if list_size < 1 or not 0 < false_alerts_per_10k_faces < FACES:
        raise ConfigError(
            "the list size or the rate of false alerts is impossible",
            got=f"{list_size} entries, {false_alerts_per_10k_faces:g} in {FACES} faces",
            allowed=f"at least 1 entry, more than 0 and less than {FACES} false alerts",
        )
    return -math.expm1(math.log1p(-false_alerts_per_10k_faces / FACES) / list_size)


def _covered(
    calibration: Calibration, config: MatchConfig, list_size: int, normalised: bool | None, covered: str
) -> Thresholds:
    """Thresholds of covered faces: as rare in false alerts as those of uncovered ones, and never below the card's."""
    scale = scale_of(calibration, list_size, normalised=normalised, covered=covered)
    floor = _floor(scale)
    raised = 0.0 if config.view_threshold is None else max(0.0, config.view_threshold - calibration.view_threshold)
    view = min(1.0, scale.view + raised)
    asked = config.false_alerts_per_10k_faces
    if config.threshold is not None:
        share = expected_false_alerts(calibration, config.threshold, list_size, normalised=normalised)
        asked = None if share is None else max(share * FACES, LEAST_PER_10K)
    fused = _moved(scale) if asked is None else _asked_for(scale, min(asked, CEILING_PER_10K))
    return Thresholds(max(floor, fused), view, floor)


def _asked_for(scale: Scale, alerts_per_10k: float) -> float:
    """The threshold in police units."""
    if scale.tail is None:
        raise ConfigError(
            "match -> false_alerts_per_10k_faces needs a fit of fused views, which the model card has not",
            got=f"{alerts_per_10k:g}",
            allowed="a card that `lfr calibrate` wrote",
            next_step="calibrate the model, or leave it out: the card's own threshold is then used",
        )
    return threshold_for(scale.tail, scale.counted_size, alerts_per_10k).similarity


def _floor(scale: Scale) -> float:
    """One stranger in a thousand mistaken for somebody, at most.

    Without a fit of fused views that is not known; then all views together must at least show what a single one has to.
    """
    if scale.tail is None:
        return scale.view
    return scale.tail.similarity_at(comparison_rate(scale.counted_size, CEILING_PER_10K))


def _moved(scale: Scale) -> float:
    """The card's threshold at another list size; without a tail fit it stays where it is."""
    if scale.moves is None or scale.counted_size == scale.size:
        return scale.threshold
    rate = scale.moves.rate_at(scale.threshold)
    if rate <= 0.0:
        # Beyond the end of a bounded tail no stranger was ever seen: there is nothing to move along.
        return scale.threshold
    return scale.moves.similarity_at(rate * scale.size / scale.counted_size)
