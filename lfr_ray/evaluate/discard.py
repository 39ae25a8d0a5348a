"""Error versus discard: what a quality measure is worth (ISO/IEC 29794-1).

Genuine pairs are discarded from the lowest quality up, a pair being as good as its worse picture; the miss rate of
those that remain is drawn over the share discarded. A measure that says something makes the curve fall; a
random one leaves it level. Where the curve has done most of its falling is the place for a gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfr_ray.evaluate.samples import Bools, Samples
from lfr_ray.records import Floats
from lfr_ray.stats import Doubles, clopper_pearson

SHARES = tuple(round(0.025 * step, 3) for step in range(21))


@dataclass(frozen=True, slots=True)
class DiscardCurve:
    """Miss rate among the genuine pairs that remain.

    Attributes:
        shares: Discarded shares.
        fnmr: Miss rate of the rest.
        gain: How much of the miss rate the first 10 % of discarding removes, as a share; 0 for a useless
            measure, and negative for one that is worse than chance.
    """

    shares: tuple[float, ...]
    fnmr: tuple[float, ...]
    gain: float


def discard_curve(samples: Samples, quality: Floats, threshold: float) -> DiscardCurve | None:
    """Error versus discard of one quality measure at a fixed threshold.

    Args:
        samples: The evaluation.
        quality: ``float32 (n,)``, one value a picture, higher is better; not read where a picture gave no vector.
        threshold: Of the comparison.

    Returns:
        The curve, or None without a genuine pair or without a miss.
    """
    similarity, worse = _genuine(samples, quality)
    if not len(similarity) or not (similarity < threshold).any():
        return None
    order = np.argsort(worse, kind="stable")
    missed = (similarity < threshold)[order]
    remaining = np.cumsum(missed[::-1])[::-1]
    count = len(missed)
    at = [min(count - 1, int(share * count)) for share in SHARES]
    fnmr = tuple(float(remaining[row] / (count - row)) for row in at)
    tenth = fnmr[SHARES.index(0.1)]
    return DiscardCurve(SHARES, fnmr, 1 - tenth / fnmr[0])


def _genuine(samples: Samples, quality: Floats) -> tuple[Doubles, Doubles]:
    """Similarity of every genuine pair, and the lower quality of its two pictures."""
    rows = np.flatnonzero(samples.acquired)
    identity = samples.identity[rows]
    similarity: list[Doubles] = [np.zeros(0)]
    worse: list[Doubles] = [np.zeros(0)]
    for own in np.split(rows, np.flatnonzero(np.diff(identity)) + 1):
        first, second = np.triu_indices(len(own), 1)
        vectors = samples.vectors[own]
        similarity.append((vectors @ vectors.T)[first, second].astype(np.float64))
        worse.append(np.minimum(quality[own[first]], quality[own[second]]).astype(np.float64))
    return np.concatenate(similarity), np.concatenate(worse)


GATE_TIMES = 2.0
"""A view is worth comparing while faces like it are missed at most so many times as often as good ones."""

GATE_BINS = 20

LEAST_FALL = 0.2
"""A gate must remove at least this share of the misses among those that remain."""


def gate_at(quality: Floats, missed: Bools, *, times: float = GATE_TIMES, bins: int = GATE_BINS) -> float | None:
    """Where a gate belongs on one quality measure, by the curve and not by hand.

    Views are taken in order of the measure, in groups of equal size. From the lowest group upwards all are refused that
    are missed more than ``times`` as often as the better half of all views, and not by chance (95 %); the first
    group that is not ends it. Where discarding them leaves the curve nearly level, the measure is not worth a gate.

    Args:
        quality: ``float32 (n,)``, higher is better.
        missed: ``bool (n,)``, whether the view was missed at the threshold of single views.
        times: How much worse than the better half a view may be.
        bins: Groups.

    Returns:
        The least value that passes; None where even the lowest group passes, the curve does not fall by
        :data:`LEAST_FALL`, or there is no view.

    >>> quality = np.arange(2000, dtype=np.float32)
    >>> gate_at(quality, (quality < 400) & (quality % 2 == 0) | (quality % 50 == 0))
    400.0
    """
    order = np.argsort(quality, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    base = float(missed[order[len(order) // 2 :]].mean()) if len(order) else 0.0
    worse = 0
    while worse < len(groups) and _is_worse(missed[groups[worse]], base, times):
        worse += 1
    if worse == 0 or worse == len(groups):
        return None
    if float(missed[np.concatenate(groups[worse:])].mean()) > (1 - LEAST_FALL) * float(missed.mean()):
        return None
    return float(quality[groups[worse]].min())


def _is_worse(missed: Bools, base: float, times: float) -> bool:
    found = clopper_pearson(int(missed.sum()), len(missed))
    return float(missed.mean()) > times * base and found.low is not None and found.low > base
