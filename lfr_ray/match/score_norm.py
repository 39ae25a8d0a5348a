"""Score normalisation: a similarity counts by how much it exceeds both sides' similarities to a cohort of other people.

Some faces resemble everybody. Where many similar faces lie close together, two strangers resemble each other more than
two pictures of one person do elsewhere. So the mean similarity to the nearest of a cohort is taken off, half for the
probe and half for the entry (cross-domain similarity local scaling, Conneau et al. 2018, arXiv:1710.04087; adaptive
symmetric score normalisation in speaker recognition is the same idea). The cohort is the rest of the watchlist itself:
nothing is kept of anybody else, and no cohort of strangers is needed.

The nearest of many are nearer than the nearest of few. So what is taken off is measured from its mean over the list's
own entries: without that, one threshold would mean ten times as many false alerts on a list of fifty as on one of five
hundred.
"""

from __future__ import annotations

import numpy as np

from lfr_ray.match.decide_match import NOT_COMPARED
from lfr_ray.models.card_calibration import ScoreNorm
from lfr_ray.records import Floats, Ints

LARGEST_COHORT = 2000
"""Of a longer list so many entries stand for all."""

BLOCK = 1024


class ScoreNormaliser:
    """Normalises similarities to one list, whose entries, ``float32 (E, D)`` of unit length, are each other's cohort.

    Without a rule of the model's card, or on a list that is too short for it, nothing is changed.
    """

    def __init__(self, vectors: Floats, rule: ScoreNorm | None) -> None:
        count = len(vectors)
        self.rule = rule if rule is not None and count >= rule.min_entries else None
        if self.rule is None:
            return
        self._columns: Ints = np.arange(0, count, -(-count // LARGEST_COHORT), dtype=np.int64)
        self._nearest = max(self.rule.least, round(self.rule.share * len(self._columns)))
        cohort = vectors[self._columns]
        means = []
        for start in range(0, count, BLOCK):
            near = vectors[start : start + BLOCK] @ cohort.T
            own = np.flatnonzero((self._columns >= start) & (self._columns < start + len(near)))
            near[self._columns[own] - start, own] = NOT_COMPARED
            means.append(_mean_of_most(near, self._nearest))
        self._cohort_mean: Floats = np.concatenate(means)
        self._usual = float(self._cohort_mean.mean())

    def normalised(self, similarities: Floats) -> Floats:
        """Normalised similarities ``float32 (n, E)`` to every entry, on the same scale; :data:`NOT_COMPARED` stays."""
        if self.rule is None or not len(similarities):
            return similarities
        near = similarities[:, self._columns]
        most = -np.partition(-near, self._nearest, axis=1)[:, : self._nearest + 1]
        total, last = most.sum(axis=1, keepdims=True), most.min(axis=1, keepdims=True)
        of_probe = np.repeat((total - last) / self._nearest, similarities.shape[1], axis=1)
        # An entry is not in its own cohort: where it is among the nearest itself, the next one takes its place.
        among = near > last
        of_probe[:, self._columns] = np.where(among, (total - near) / self._nearest, of_probe[:, self._columns])
        off = self.rule.weight * (of_probe + self._cohort_mean - 2.0 * self._usual)
        normalised = (similarities - off).astype(np.float32)
        return np.where(similarities <= NOT_COMPARED, similarities, normalised)


def _mean_of_most(values: Floats, count: int) -> Floats:
    """Mean of the ``count`` largest values of every row."""
    most = -np.partition(-values, count - 1, axis=1)[:, :count]
    means: Floats = most.mean(axis=1, dtype=np.float32)
    return means
