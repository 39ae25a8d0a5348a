"""Error versus discard: what a quality measure is worth (ISO/IEC 29794-1).

Genuine pairs are discarded from the lowest quality up, a pair being as good as its worse picture; the miss rate of
those that remain is drawn over the share discarded. A useful measure makes the curve fall; a
random one leaves it level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.records import Floats
from lfr_ray.stats import Doubles

SHARES = tuple(round(0.025 * step, 3) for step in range(21))


@dataclass(frozen=True, slots=True)
class DiscardCurve:
    """Miss rate among the genuine pairs that remain.

    Attributes:
        gain: How much of the miss rate the first 10 % of discarding removes, as a share; 0 for a useless
            measure, and negative for one that is worse than chance.
    """

    shares: tuple[float, ...]
    fnmr: tuple[float, ...]
    gain: float


def discard_curve(samples: Samples, quality: Floats, threshold: float) -> DiscardCurve | None:
    """The curve of one quality measure at a fixed threshold; None without a genuine pair or without a miss.

    ``quality`` is ``float32 (n,)``, one value a picture, higher is better; not read where a picture gave no vector.
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
