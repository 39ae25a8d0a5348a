"""Open-set identification: a list, people who are on it, and people who are not (ISO/IEC 19795-1, NIST FRTE 1:N).

Who is who follows from names alone:

* Identities are taken in name order (code points, as ``sorted`` does), pictures of an identity likewise.
* Of the identities with two or more pictures, the 1st, 3rd, 5th ... are **enrolled** with their first
  picture. Their remaining pictures are **mated** searches.
* All pictures of every other identity (the 2nd, 4th ... and those with one picture) are **non-mated** searches.

Failures are not left out:

* A mated search whose picture gave no vector, or whose enrolled picture gave none, is a miss.
* A non-mated search that gave no vector raises no alert; it counts among the searches.

Figures at a threshold ``t``:

* FPIR: non-mated searches of which the nearest entry reaches ``t``, of all non-mated searches.
* TPIR: mated searches of which the right entry is the nearest **and** reaches ``t``, of all mated searches.
  ``rank_one`` drops the second condition.

The threshold at an FPIR is the smallest that does not exceed it, as in ``verification``. Intervals come
from drawing the searched identities anew; the list itself stays as it is, because a drawn list
would hold fewer different people and make every search easier.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lfr_ray.evaluate.all_pairs import Normalise, Normaliser
from lfr_ray.evaluate.labelled_samples import Bools, Samples
from lfr_ray.evaluate.verification import OperatingPoint, point_at, share_above, threshold_at
from lfr_ray.records import Floats, Ints
from lfr_ray.stats import REPLICATES, UNKNOWN, Interval, identity_weights, percentile_interval, share

FPIRS = (0.1, 0.01, 0.001)
"""The rates of false alerts at which an evaluation states its hits."""
BLOCK_ROWS = 4096
NO_ANSWER = np.float32(-2.0)
"""Similarity of a search that could not be made: below every similarity."""


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What every search against the list gave; :data:`NO_ANSWER` where none could be made.

    Attributes:
        enrolled: People on the list.
        mated_own: ``float32 (M,)``, similarity to the right entry.
        mated_other: ``float32 (M,)``, similarity to the nearest wrong entry.
        mated_identity: ``int64 (M,)``.
        non_mated_top: ``float32 (N,)``, similarity to the nearest entry.
        non_mated_identity: ``int64 (N,)``.
        enrolment_failures: Enrolled identities whose picture gave no vector.
    """

    enrolled: int
    mated_own: Floats = field(repr=False)
    mated_other: Floats = field(repr=False)
    mated_identity: Ints = field(repr=False)
    non_mated_top: Floats = field(repr=False)
    non_mated_identity: Ints = field(repr=False)
    identities: int
    enrolment_failures: int
    mated_failures: int
    non_mated_failures: int

    @property
    def correct(self) -> Bools:
        """``bool (M,)``: the right entry is the nearest."""
        nearest: Bools = (self.mated_own > self.mated_other) & (self.mated_own > NO_ANSWER)
        return nearest

    @property
    def rank_one_similarity(self) -> Floats:
        """``float32 (M,)``: similarity to the right entry where it is the nearest."""
        return np.where(self.correct, self.mated_own, NO_ANSWER)


def split_pictures(identity: Ints, identities: int) -> tuple[Ints, Ints, Ints]:
    """Rows of the pictures that are enrolled, mated and non-mated, by the rule at the head of this file.

    ``identity`` is ``int64 (n,)``, the index of each picture's identity, in name order.

    >>> [rows.tolist() for rows in split_pictures(np.array([0, 0, 0, 1, 2, 2, 3, 3]), 4)]
    [[0, 6], [1, 2, 7], [3, 4, 5]]
    """
    several = np.flatnonzero(np.bincount(identity, minlength=identities) >= 2)
    listed = np.zeros(identities, bool)
    listed[several[::2]] = True
    first = np.concatenate([[True], np.diff(identity) > 0]) if len(identity) else np.zeros(0, bool)
    on_list = listed[identity]
    return np.flatnonzero(on_list & first), np.flatnonzero(on_list & ~first), np.flatnonzero(~on_list)


def search_all(samples: Samples, normaliser: Normaliser | None = None) -> Searches:
    """Search every mated and non-mated picture in the list, with the matcher's score normalisation or without."""
    enrolled, mated, non_mated = split_pictures(samples.identity, samples.size)
    acquired = samples.acquired
    listed, listed_identity, usable = samples.vectors[enrolled], samples.identity[enrolled], acquired[enrolled]
    normalise = normaliser(listed[usable]) if normaliser is not None and usable.any() else None
    own, other = _nearest(samples, mated, listed, listed_identity, usable, normalise)
    _, top = _nearest(samples, non_mated, listed, listed_identity, usable, normalise)
    lost = (int((~one).sum()) for one in (usable, acquired[mated], acquired[non_mated]))
    owners, others = samples.identity[mated], samples.identity[non_mated]
    return Searches(len(enrolled), own, other, owners, top, others, samples.size, *lost)


def _nearest(
    samples: Samples, rows: Ints, listed: Floats, listed_identity: Ints, usable: Bools, normalise: Normalise | None
) -> tuple[Floats, Floats]:
    """Similarity of each picture to its own entry and to the nearest other one."""
    own = np.full(len(rows), NO_ANSWER, np.float32)
    other = np.full(len(rows), NO_ANSWER, np.float32)
    for first in range(0, len(rows), BLOCK_ROWS):
        block = slice(first, first + BLOCK_ROWS)
        taken = rows[block]
        similarity = np.full((len(taken), len(listed)), NO_ANSWER, np.float32)
        compared: Floats = samples.vectors[taken] @ listed[usable].T
        similarity[:, usable] = compared if normalise is None else normalise(compared)
        similarity[~samples.acquired[taken]] = NO_ANSWER
        mine = samples.identity[taken][:, None] == listed_identity[None, :]
        own[block] = np.where(mine, similarity, NO_ANSWER).max(axis=1)
        other[block] = np.where(mine, NO_ANSWER, similarity).max(axis=1)
    return own, other


def tpir_at_fpir(
    searches: Searches, targets: tuple[float, ...], *, replicates: int = REPLICATES
) -> list[OperatingPoint]:
    """TPIR (right entry nearest and at the threshold) at false positive identification rates, with intervals."""
    top, top_owners = _descending(searches.non_mated_top, searches.non_mated_identity)
    hits, hit_owners = _descending(searches.rank_one_similarity, searches.mated_identity)
    rates = np.zeros((replicates, len(targets)))
    for row, weight in enumerate(identity_weights(searches.identities, replicates)):
        masses = np.cumsum(weight[top_owners])
        allowed = np.asarray(targets) * (masses[-1] if len(top) else 0) + 1e-9
        # The largest similarity that must not be accepted.
        cuts = np.append(top, NO_ANSWER)[np.searchsorted(masses, allowed, side="right")]
        rates[row] = share_above(hits, weight[hit_owners], cuts)
    people = len(np.unique(searches.mated_identity))
    return [
        point_at(target, searchable_threshold(top, target), hits, top, len(top), rates[:, column], people)
        for column, target in enumerate(targets)
    ]


def searchable_threshold(top: Floats, target: float) -> float:
    """The threshold at an FPIR; never so low that a search without an answer would be an alert."""
    return max(threshold_at(top, len(top), target), float(np.nextafter(NO_ANSWER, np.float32(0))))


def rank_one(searches: Searches, *, replicates: int = REPLICATES) -> Interval:
    """Share of mated searches of which the right entry is the nearest, whatever the similarity."""
    hit, identity, identities = searches.correct, searches.mated_identity, searches.identities
    if len(hit) == 0:
        return UNKNOWN
    hits = np.bincount(identity[hit], minlength=identities)
    whole = np.bincount(identity, minlength=identities)
    weights = identity_weights(identities, replicates)
    rates = share((weights @ hits).astype(float), (weights @ whole).astype(float))
    return percentile_interval(float(hit.mean()), rates, len(np.unique(identity)))


def _descending(values: Floats, identity: Ints) -> tuple[Floats, Ints]:
    order = np.argsort(-values, kind="stable")
    return values[order], identity[order]
