"""Several enrolled pictures of one person: which way of joining them recognises best.

* ``one``: the first picture alone;
* ``nearest``: the largest similarity to any of them;
* ``template``: the similarity to their mean vector, of unit length.

Of every identity with more pictures than are enrolled, the first ones are enrolled and the rest are single searches;
the same searches are made whatever the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.pairs import Pairs, compare_across
from lfr_ray.evaluate.samples import Samples
from lfr_ray.records import Floats, Ints

ENROLMENT_RULES = ("one", "nearest", "template")


@dataclass(frozen=True, slots=True, eq=False)
class Enrolments:
    """Entries of equally many pictures, and single searches.

    Attributes:
        entries: ``float32 (E, pictures, D)`` of unit length.
        entry_identity: ``int64 (E,)``.
        searches: ``float32 (S, D)``.
        search_identity: ``int64 (S,)``.
        identities: How many there are.
    """

    entries: Floats = field(repr=False)
    entry_identity: Ints = field(repr=False)
    searches: Floats = field(repr=False)
    search_identity: Ints = field(repr=False)
    identities: int


def make_enrolments(samples: Samples, pictures: int) -> Enrolments:
    """Enrol the first usable pictures of everybody who has more than that.

    Raises:
        InputError: Fewer than two people have enough.
    """
    several = samples.usable > pictures
    if np.count_nonzero(several) < 2:
        raise InputError(
            "too few people have enough pictures to enrol several",
            got=f"{int(np.count_nonzero(several))} people with more than {pictures} usable pictures",
            allowed="2 or more",
            next_step="add pictures, or enrol fewer",
        )
    rows = np.flatnonzero(samples.acquired & several[samples.identity])
    identity = samples.identity[rows]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(identity)) + 1])
    rank = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    enrolled, searched = rows[rank < pictures], rows[rank >= pictures]
    return Enrolments(
        samples.vectors[enrolled].reshape(-1, pictures, samples.vectors.shape[1]),
        samples.identity[enrolled[::pictures]],
        samples.vectors[searched],
        samples.identity[searched],
        samples.size,
    )


def compare_enrolments(enrolments: Enrolments, rule: str) -> Pairs:
    """All searches against all entries by one of :data:`ENROLMENT_RULES`."""
    entries = enrolments.entries

    def nearest(rows: slice, columns: slice) -> Floats:
        similarities = np.einsum("sd,ekd->sek", enrolments.searches[rows], entries[columns], optimize=True)
        most: Floats = similarities.max(axis=2).astype(np.float32)
        return most

    joined = entries[:, 0] if rule == "one" else entries.mean(axis=1)
    lengths = np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return compare_across(
        enrolments.searches,
        enrolments.search_identity,
        (joined / lengths).astype(np.float32),
        enrolments.entry_identity,
        enrolments.identities,
        nearest if rule == "nearest" else None,
    )
