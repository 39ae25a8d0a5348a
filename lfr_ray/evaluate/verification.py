"""One picture against one: error rates of single comparisons (ISO/IEC 19795-1).

Conventions:

* A comparison is accepted at ``similarity >= threshold``.
* FMR (false match rate, here also FAR) is the share of impostor pairs accepted, FNMR the share of
  genuine pairs not accepted, TAR = 1 - FNMR; all over pairs of which both pictures gave a vector.
* The threshold at a FAR is the smallest float32 value whose FAR does not exceed it: of ``n`` impostor
  pairs at most ``floor(FAR * n)`` are accepted, and equal similarities are all accepted or all refused.
* Failure to acquire is counted apart; ``tar_of_attempts`` counts genuine pairs with an unusable picture as refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from lfr_ray.errors import ShapeError
from lfr_ray.evaluate.all_pairs import Pairs
from lfr_ray.records import Floats, Ints
from lfr_ray.stats import REPLICATES, Doubles, Interval, identity_weights, percentile_interval, share

FARS = (0.01, 0.001, 0.0001)
"""The rates of false matches at which an evaluation states its hits."""
WORK = 400_000_000
"""Weighted pairs a bootstrap goes through, roughly; large evaluations get fewer replicates, never under 200."""
COARSEST = 0.05
"""The DET curve ends at this FMR: beyond it no watchlist works."""
DET_POINTS_A_DECADE = 5
HEADROOM = 2.0
"""A replicate may need this many times the impostor pairs that the plain threshold needs."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what was measured at it.

    Attributes:
        target: The rate that was asked for.
        threshold: Accept at this similarity and above.
        accepted: False acceptances at the threshold.
        resolved: At least one false acceptance is allowed by the target; otherwise the data are too few
            for the target, and the threshold lies just above the largest impostor similarity.
        rate: True acceptances as a share.
    """

    target: float
    threshold: float
    accepted: int
    resolved: bool
    rate: Interval


def threshold_at(descending: Floats, total: int, target: float) -> float:
    """Smallest threshold that accepts at most the share ``target`` of ``total`` similarities.

    ``descending`` is ``float32 (k,)``, the largest of them, descending.

    Raises:
        ShapeError: ``descending`` is too short for this target.

    >>> threshold_at(np.array([0.9, 0.8, 0.8, 0.1], np.float32), 4, 0.5) > 0.8
    True
    """
    allowed = floor(target * total + 1e-9)
    if allowed >= total:
        return float(np.float32(-np.inf)) if total == 0 else float(descending[-1])
    if allowed >= len(descending):
        raise ShapeError("too few impostor similarities were kept", got=len(descending), allowed=f"more than {allowed}")
    return float(np.nextafter(descending[allowed], np.float32(np.inf)))


def count_at(descending: Floats, threshold: float) -> int:
    """How many similarities reach a threshold."""
    return int(np.searchsorted(-descending, -np.float32(threshold), side="right"))


def tar_at_far(pairs: Pairs, targets: tuple[float, ...], *, replicates: int = REPLICATES) -> list[OperatingPoint]:
    """TAR at false accept rates, with intervals over identities (threshold chosen anew in every replicate)."""
    rates = tar_replicates(pairs, targets, replicates=replicates)
    people, total = len(np.unique(pairs.genuine_identity)), pairs.impostor_count
    points = []
    for column, target in enumerate(targets):
        threshold = threshold_at(pairs.impostor, total, target)
        points.append(point_at(target, threshold, pairs.genuine, pairs.impostor, total, rates[:, column], people))
    return points


def point_at(
    target: float, threshold: float, right: Floats, wrong: Floats, total: int, replicates: Doubles, people: int
) -> OperatingPoint:
    """What a threshold accepts of the right similarities, descending, and of the wrong ones, ``total`` in all."""
    rate = count_at(right, threshold) / len(right) if len(right) else None
    resolved = floor(target * total + 1e-9) >= 1
    interval = percentile_interval(rate, replicates, people)
    return OperatingPoint(target, threshold, count_at(wrong, threshold), resolved, interval)


def tar_replicates(pairs: Pairs, targets: tuple[float, ...], *, replicates: int = REPLICATES) -> Doubles:
    """TAR of every bootstrap replicate at every target: ``float64 (replicates, targets)``."""
    needed = int(min(len(pairs.impostor), HEADROOM * max(targets) * pairs.impostor_count + 1000))
    replicates = max(min(replicates, 200), min(replicates, WORK // max(needed, 1)))
    weights = identity_weights(len(pairs.usable), replicates)
    first, second = pairs.impostor_identities[:needed].T
    tail = pairs.impostor[:needed]
    rates = np.full((replicates, len(targets)), np.nan)
    totals = pairs.impostor_mass(weights)
    for row, weight in enumerate(weights):
        masses = np.cumsum(weight[first] * weight[second])
        allowed = np.asarray(targets) * totals[row] + 1e-9
        at = np.searchsorted(masses, allowed, side="right")
        cuts = tail[np.minimum(at, needed - 1)]
        rates[row] = share_above(pairs.genuine, weight[pairs.genuine_identity], cuts)
    return rates


@dataclass(frozen=True, slots=True)
class DetPoint:
    """One point of the detection error trade-off curve."""

    threshold: float
    fmr: float
    fnmr: Interval


def det_curve(pairs: Pairs, *, replicates: int = 300) -> list[DetPoint]:
    """The detection error trade-off curve, from one false match in all pairs up to one in twenty."""
    if not len(pairs.genuine) or not pairs.impostor_count:
        return []
    finest = 1 / pairs.impostor_count
    coarsest = min(COARSEST, len(pairs.impostor) / pairs.impostor_count / HEADROOM)
    if finest >= coarsest:
        return []
    decades = np.log10(coarsest / finest)
    steps = max(2, round(decades * DET_POINTS_A_DECADE) + 1)
    targets = tuple(float(target) for target in np.geomspace(finest, coarsest * 0.999, steps))
    return [
        DetPoint(point.threshold, point.accepted / pairs.impostor_count, point.rate.complement())
        for point in tar_at_far(pairs, targets, replicates=replicates)
    ]


def tar_of_attempts(pairs: Pairs, pictures: Ints, threshold: float) -> float | None:
    """TAR with every genuine pair attempted, so that an unusable picture counts as a refusal."""
    attempts = int((pictures * (pictures - 1) // 2).sum())
    return count_at(pairs.genuine, threshold) / attempts if attempts else None


def share_above(descending: Floats, weight: Ints, cuts: Floats) -> Doubles:
    """Weighted share of similarities above each cut; NaN when none was drawn."""
    masses = np.concatenate([[0], np.cumsum(weight)])
    at = np.searchsorted(-descending, -cuts, side="left")
    return share(masses[at].astype(float), np.full(len(cuts), float(masses[-1])))
