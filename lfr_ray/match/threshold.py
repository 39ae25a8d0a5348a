"""How similar a passage must be before it counts, as a function of the list's size.

With N entries a stranger has N chances to be mistaken, so the same threshold means ten times as many false
matches on a list ten times as long. The card's calibration says which threshold suits which size, and how the
strangers' similarities thin out towards the top: from both, the threshold for another size follows such that a
passing stranger's chance of a false match stays what it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lfr_ray.config import MatchConfig
from lfr_ray.errors import ConfigError
from lfr_ray.models.cards import Calibration, TailFit
from lfr_ray.models.tail import CEILING_PER_10K, comparison_rate, false_match_rate, similarity_at, threshold_for


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a passage has to reach.

    Attributes:
        fused: Similarity of the fused views.
        view: Similarity of one view that counts as agreeing.
        floor: The fused threshold can never be lower than this at this list size.
    """

    fused: float
    view: float
    floor: float


def thresholds_for(
    calibration: Calibration, config: MatchConfig, list_size: int, *, relieved: bool | None = None
) -> Thresholds:
    """Thresholds at a list size.

    A rate of false alerts that is asked for gives the threshold by the card's fit. A configured threshold is taken as
    it is, down to the floor. Otherwise the card's own is moved to the list size.

    Args:
        calibration: The card's.
        config: The site's.
        list_size: Entries in force.
        relieved: Whether the similarities are relieved of their neighbours; default: whether the card says so.

    Raises:
        ConfigError: The configuration asks for less than the floor, or for a rate that the card has no fit for.

    >>> calibration = Calibration(threshold=0.9, view_threshold=0.8, list_size=500, relative=0.85, data="x")
    >>> thresholds_for(calibration, MatchConfig(), 500)
    Thresholds(fused=0.9, view=0.8, floor=0.8)
    """
    basis = _basis(calibration, list_size, relieved)
    floor = _floor(calibration, basis)
    view = config.view_threshold if config.view_threshold is not None else calibration.view_threshold
    if config.false_alerts_per_10k_faces is not None:
        return Thresholds(max(floor, _asked_for(basis, config.false_alerts_per_10k_faces)), view, floor)
    if config.threshold is None:
        return Thresholds(max(floor, _moved(basis)), view, floor)
    if config.threshold < floor:
        raise ConfigError(
            "match -> threshold is below the floor of the model card",
            got=f"{config.threshold:g}",
            allowed=f"at least {floor:.4f} with {list_size} entries; the card advises {calibration.threshold:g} with "
            f"{calibration.list_size}",
            next_step="raise it, or leave it out: the card's own threshold then follows the list's size",
        )
    return Thresholds(config.threshold, view, floor)


def is_relieved(calibration: Calibration, list_size: int) -> bool:
    """Whether the matcher relieves similarities of their neighbours at this list size."""
    return calibration.neighbourhood is not None and list_size >= calibration.neighbourhood.min_entries


def expected_false_alerts(
    calibration: Calibration, threshold: float, list_size: int, *, relieved: bool | None = None
) -> float | None:
    """Share of passing strangers who are mistaken for somebody on the list, by the card's fit; None without one."""
    basis = _basis(calibration, list_size, relieved)
    if basis.tail is None:
        return None
    rate = min(false_match_rate(basis.tail, threshold), 0.999999)
    return -math.expm1(math.log1p(-rate) * basis.reckoned)


def floor_of(calibration: Calibration, list_size: int, *, relieved: bool | None = None) -> float:
    """The least that the fused threshold may be: one stranger in a thousand mistaken for somebody, at most.

    Without a fit of fused views this is not known; then all views together must at least show what a single
    one has to.
    """
    return _floor(calibration, _basis(calibration, list_size, relieved))


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a threshold is reckoned from, by the kind of comparison.

    Attributes:
        threshold: The card's own.
        size: The list size that this is for.
        tail: How strangers' fused similarities thin out.
        moves: The fit along which the card's own threshold moves; where there is no other, that of single views.
        reckoned: The list size that false alerts are reckoned with.
    """

    threshold: float
    size: int
    tail: TailFit | None
    moves: TailFit | None
    reckoned: int


def _basis(calibration: Calibration, list_size: int, relieved: bool | None) -> _Basis:
    """Lists too short to have neighbours are compared by plain similarity, which is on a scale of its own.

    Where neighbours are taken off, strangers' chances hardly depend on the list's size (measured from 100 to 850
    entries): so a list shorter than the card's is reckoned as long as that.
    """
    own, tail = calibration, calibration.fused_tail
    if calibration.neighbourhood is None:
        return _Basis(own.threshold, own.list_size, tail, tail or own.tail, max(1, list_size))
    if relieved is not False:
        return _Basis(own.threshold, own.list_size, tail, tail, max(list_size, own.list_size))
    threshold = own.threshold if own.short_list_threshold is None else own.short_list_threshold
    size = max(list_size, own.short_list_size)
    return _Basis(threshold, own.short_list_size, own.short_tail, own.short_tail, size)


def _asked_for(basis: _Basis, alerts_per_10k: float) -> float:
    """The threshold in police units."""
    if basis.tail is None:
        raise ConfigError(
            "match -> false_alerts_per_10k_faces needs a fit of fused views, which the model card has not",
            got=f"{alerts_per_10k:g}",
            allowed="a card that `lfr calibrate` wrote",
            next_step="calibrate the model, or leave it out: the card's own threshold is then used",
        )
    return threshold_for(basis.tail, basis.reckoned, alerts_per_10k).similarity


def _floor(calibration: Calibration, basis: _Basis) -> float:
    if basis.tail is None:
        return calibration.view_threshold
    return similarity_at(basis.tail, comparison_rate(basis.reckoned, CEILING_PER_10K))


def _moved(basis: _Basis) -> float:
    """The card's threshold at another list size; without a tail fit it stays where it is."""
    if basis.moves is None or basis.reckoned == basis.size:
        return basis.threshold
    rate = false_match_rate(basis.moves, basis.threshold)
    if rate <= 0.0:
        # Beyond the end of a bounded tail no stranger was ever seen: there is nothing to move along.
        return basis.threshold
    return similarity_at(basis.moves, rate * basis.size / basis.reckoned)
