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

from lfr_ray.evaluate.pairs import Normalise, Normaliser
from lfr_ray.evaluate.samples import Bools, Samples
from lfr_ray.evaluate.verification import OperatingPoint, count_at, threshold_at
from lfr_ray.records import Floats, Ints
from lfr_ray.stats import (
    REPLICATES,
    SEED,
    UNKNOWN,
    Doubles,
    Interval,
    identity_weights,
    percentile_interval,
    share,
)

BLOCK_ROWS = 4096
NO_ANSWER = np.float32(-2.0)
"""Similarity of a search that could not be made: below every similarity."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of the pictures by their part in the protocol.

    Attributes:
        enrolled: ``int64 (E,)``, the enrolled picture of each enrolled identity.
        mated: ``int64 (M,)``.
        non_mated: ``int64 (N,)``.
    """

    enrolled: Ints = field(repr=False)
    mated: Ints = field(repr=False)
    non_mated: Ints = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What every search against the list gave; :data:`NO_ANSWER` where none could be made.

    Attributes:
        split: Who played which part.
        mated_own: ``float32 (M,)``, similarity to the right entry.
        mated_other: ``float32 (M,)``, similarity to the nearest wrong entry.
        mated_identity: ``int64 (M,)``.
        non_mated_top: ``float32 (N,)``, similarity to the nearest entry.
        non_mated_identity: ``int64 (N,)``.
        identities: Of the whole evaluation.
        enrolment_failures: Enrolled identities whose picture gave no vector.
        mated_failures: Mated searches without a vector.
        non_mated_failures: Non-mated searches without a vector.
    """

    split: Split = field(repr=False)
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


def split_pictures(identity: Ints, identities: int) -> Split:
    """Deal the parts by the rule at the head of this file.

    Args:
        identity: ``int64 (n,)``, index of each picture's identity, in name order.
        identities: How many there are.

    >>> split = split_pictures(np.array([0, 0, 0, 1, 2, 2, 3, 3]), 4)
    >>> split.enrolled.tolist(), split.mated.tolist(), split.non_mated.tolist()
    ([0, 6], [1, 2, 7], [3, 4, 5])
    """
    several = np.flatnonzero(np.bincount(identity, minlength=identities) >= 2)
    listed = np.zeros(identities, bool)
    listed[several[::2]] = True
    first = np.concatenate([[True], np.diff(identity) > 0]) if len(identity) else np.zeros(0, bool)
    on_list = listed[identity]
    return Split(np.flatnonzero(on_list & first), np.flatnonzero(on_list & ~first), np.flatnonzero(~on_list))


def search_all(samples: Samples, normaliser: Normaliser | None = None) -> Searches:
    """Search every mated and non-mated picture in the list.

    Args:
        samples: Pictures and their vectors.
        normaliser: The matcher's score normalisation; None: none.
    """
    split = split_pictures(samples.identity, samples.size)
    acquired = samples.acquired
    listed = samples.vectors[split.enrolled]
    listed_identity = samples.identity[split.enrolled]
    usable = acquired[split.enrolled]
    normalise = normaliser(listed[usable]) if normaliser is not None and usable.any() else None
    own, other = _nearest(samples, split.mated, listed, listed_identity, usable, normalise)
    _, top = _nearest(samples, split.non_mated, listed, listed_identity, usable, normalise)
    return Searches(
        split,
        own,
        other,
        samples.identity[split.mated],
        top,
        samples.identity[split.non_mated],
        samples.size,
        int((~usable).sum()),
        int((~acquired[split.mated]).sum()),
        int((~acquired[split.non_mated]).sum()),
    )


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
    searches: Searches, targets: tuple[float, ...], *, replicates: int = REPLICATES, seed: int = SEED
) -> list[OperatingPoint]:
    """TPIR (right entry nearest and at the threshold) at false positive identification rates, with intervals."""
    weights = identity_weights(searches.identities, replicates, seed)
    top, top_mass = _ordered(searches.non_mated_top, searches.non_mated_identity, weights)
    hits, hit_mass = _ordered(searches.rank_one_similarity, searches.mated_identity, weights)
    trials = len(np.unique(searches.mated_identity))
    points = []
    for target in targets:
        threshold = searchable_threshold(top, target)
        cuts = _cuts(top, top_mass, target)
        rates = share(
            np.array([_mass_above(hits, mass, cut) for mass, cut in zip(hit_mass, cuts, strict=True)]),
            hit_mass[:, -1].astype(float),
        )
        value = count_at(hits, threshold) / len(hits) if len(hits) else None
        points.append(
            OperatingPoint(
                target,
                threshold,
                count_at(top, threshold),
                int(target * len(top) + 1e-9) >= 1,
                percentile_interval(value, rates, trials),
            )
        )
    return points


def searchable_threshold(top: Floats, target: float) -> float:
    """The threshold at an FPIR; never so low that a search without an answer would be an alert."""
    return max(threshold_at(top, len(top), target), float(np.nextafter(NO_ANSWER, np.float32(0))))


def rank_one(searches: Searches, *, replicates: int = REPLICATES, seed: int = SEED) -> Interval:
    """Mated searches of which the right entry is the nearest, whatever the similarity."""
    hit = searches.correct
    return weighted_share(hit, searches.mated_identity, searches.identities, replicates=replicates, seed=seed)


def weighted_share(
    hit: Bools, identity: Ints, identities: int, *, replicates: int = REPLICATES, seed: int = SEED
) -> Interval:
    """Share of hits among searches, with its interval over the searched identities.

    Args:
        hit: ``bool (n,)``, one a search.
        identity: ``int64 (n,)``.
        identities: How many there are in all.
        replicates: Of the bootstrap.
        seed: Of the bootstrap.
    """
    if len(hit) == 0:
        return UNKNOWN
    hits = np.bincount(identity[hit], minlength=identities)
    whole = np.bincount(identity, minlength=identities)
    weights = identity_weights(identities, replicates, seed)
    rates = share((weights @ hits).astype(float), (weights @ whole).astype(float))
    return percentile_interval(float(hit.mean()), rates, len(np.unique(identity)))


def _ordered(values: Floats, identity: Ints, weights: Ints) -> tuple[Floats, Ints]:
    """Values in descending order and, for each replicate, the running weight from the top, starting at 0."""
    order = np.argsort(-values, kind="stable")
    masses = np.cumsum(weights[:, identity[order]], axis=1)
    return values[order], np.concatenate([np.zeros((len(weights), 1), np.int64), masses], axis=1)


def _cuts(top: Floats, masses: Ints, target: float) -> Doubles:
    """In each replicate, the largest similarity that must not be accepted."""
    if len(top) == 0:
        return np.full(len(masses), float(NO_ANSWER))
    allowed = target * masses[:, -1] + 1e-9
    at = np.array([np.searchsorted(mass[1:], most, side="right") for mass, most in zip(masses, allowed, strict=True)])
    cuts: Doubles = np.where(at < len(top), top[np.minimum(at, len(top) - 1)], NO_ANSWER).astype(np.float64)
    return cuts


def _mass_above(descending: Floats, masses: Ints, cut: float) -> float:
    return float(masses[np.searchsorted(-descending, -np.float32(cut), side="left")])
