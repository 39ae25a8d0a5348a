"""Several looks at one face: which way of joining them recognises best.

A passage is a handful of views of one person; an entry is one picture, or several. The ways compared:

* ``first``: the first view alone, as a plain program would;
* ``mean``: the quality-weighted mean of the views' vectors, of unit length (what the matcher uses);
* ``plain_mean``: the same, every view counting the same;
* ``max``: the largest similarity of any view;
* ``vote``: the similarity that a majority of the views reaches.

Stills stand in for passages here: of every identity with enough pictures, the first is the entry and the rest are dealt
into passages. Pictures of different days differ more than views of one passage do, so gains are larger than in a
clip, and false matches rarer or as rare.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Compare, Normaliser, Pairs, compare_across
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.records import Floats, Ints

RULES = ("first", "mean", "plain_mean", "max", "vote")


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """Passages of equally many views, and the entries they are compared with.

    Attributes:
        views: ``float32 (P, V, D)`` of unit length.
        weights: ``float32 (P, V)``, quality values.
        identity: ``int64 (P,)``.
        entries: ``float32 (E, D)``, one picture of every identity.
        entry_identity: ``int64 (E,)``.
    """

    views: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    identity: Ints = field(repr=False)
    entries: Floats = field(repr=False)
    entry_identity: Ints = field(repr=False)
    identities: int


def make_passages(samples: Samples, views: int) -> Passages:
    """Make passages of stills.

    The first usable picture of every identity is an entry. The others, in name order, are dealt into passages of
    ``views`` pictures; what is left over is not used.

    Raises:
        InputError: No identity has enough pictures.
    """
    rows = np.flatnonzero(samples.acquired)
    identity = samples.identity[rows]
    _, first = np.unique(identity, return_index=True)
    entry = np.zeros(len(rows), bool)
    entry[first] = True
    taken: list[Ints] = []
    for one in np.unique(identity):
        others = rows[(identity == one) & ~entry]
        whole = len(others) // views * views
        taken.append(others[:whole].reshape(-1, views))
    dealt = np.concatenate(taken) if taken else np.zeros((0, views), np.int64)
    if not len(dealt):
        raise InputError(
            "no identity has enough pictures to make a passage of several views",
            got=f"at most {int(samples.usable.max(initial=0))} usable pictures of one identity",
            allowed=f"{views + 1} or more",
            next_step="add pictures, or ask for fewer views",
        )
    weights = np.nan_to_num(samples.quality[dealt], nan=0.0).astype(np.float32)
    entries = rows[entry]
    return Passages(
        samples.vectors[dealt],
        weights,
        samples.identity[dealt[:, 0]],
        samples.vectors[entries],
        samples.identity[entries],
        samples.size,
    )


def mean_vectors(views: Floats, weights: Floats) -> Floats:
    """Of ``float32 (P, V, D)`` weighted by ``float32 (P, V)`` the means, of unit length: ``float32 (P, D)``."""
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, np.float32(1))
    mean = (views * weights[:, :, None]).sum(axis=1)
    lengths = np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    fused: Floats = (mean / lengths).astype(np.float32)
    return fused


def compare_passages(passages: Passages, rule: str, normaliser: Normaliser | None = None) -> Pairs:
    """All passages against all entries by one of :data:`RULES`.

    The matcher's score normalisation goes with rules that give one vector a passage.
    """
    compare: Compare | None = None
    rows = passages.views[:, 0]
    if rule == "mean":
        rows = mean_vectors(passages.views, passages.weights)
    elif rule == "plain_mean":
        rows = mean_vectors(passages.views, np.ones_like(passages.weights))
    elif rule in ("max", "vote"):
        compare = _by_view(passages, 0 if rule == "max" else passages.views.shape[1] // 2)
    if normaliser is not None and compare is None:
        compare = _normalised(rows, passages.entries, normaliser)
    return compare_across(
        rows, passages.identity, passages.entries, passages.entry_identity, passages.identities, compare
    )


def _normalised(rows: Floats, entries: Floats, normaliser: Normaliser) -> Compare:
    """The whole list at once for some rows, because an entry's cohort are the other entries."""
    normalise = normaliser(entries)

    def compare(taken: slice, columns: slice) -> Floats:
        tile: Floats = normalise(rows[taken] @ entries.T)[:, columns]
        return tile

    return compare


def _by_view(passages: Passages, rank: int) -> Compare:
    """The similarity of the view that stands at ``rank`` from the top, for each entry."""

    def compare(rows: slice, columns: slice) -> Floats:
        similarities = np.einsum("pvd,ed->pev", passages.views[rows], passages.entries[columns], optimize=True)
        ordered: Floats = np.sort(similarities, axis=2)[:, :, ::-1][:, :, rank].astype(np.float32)
        return ordered

    return compare
