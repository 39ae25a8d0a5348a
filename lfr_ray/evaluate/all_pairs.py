"""Every picture against every other, block by block, in bounded memory.

Impostor pairs grow with the square of the pictures. All are counted (in a histogram), but only the
largest are kept one by one: error rates of interest live in that tail, and there they are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lfr_ray.evaluate.labelled_samples import Bools, Samples
from lfr_ray.records import Floats, Ints
from lfr_ray.stats import Doubles

TILE = 1024
BINS = 2000
PLAIN_SPAN = (-1.0, 1.0)
"""What inner products of unit vectors can be."""
KEPT_RATE = 0.03
KEPT_LEAST = 500_000
"""The larger of this many impostor pairs and the share above are kept one by one."""

Owners = npt.NDArray[np.int32]

Compare = Callable[[slice, slice], Floats]
"""Similarities ``float32 (rows, columns)`` of two runs of pictures; symmetric."""

Normalise = Callable[[Floats], Floats]
"""Score normalisation: similarities ``float32 (n, E)`` to a whole list, normalised; same shape."""

Normaliser = Callable[[Floats], Normalise]
"""The matcher's score normalisation for a list ``float32 (E, D)``: one vector an entry."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Similarities of all pairs of pictures that gave a vector.

    Attributes:
        genuine: ``float32 (G,)``, pairs of one identity, descending.
        genuine_identity: ``int32 (G,)``.
        impostor: ``float32 (K,)``, the largest of the pairs of two identities, descending.
        impostor_identities: ``int32 (K, 2)``.
        impostor_count: All pairs of two identities, kept or not.
        usable: ``int64 (identities,)``, pictures that were compared.
        against: ``int64 (identities,)``, what they were compared with, where that is not themselves; otherwise None.
        span: Lowest and highest similarity of the histograms; what lies outside counts in the end bins.
        genuine_bins: ``int64 (BINS,)``.
        impostor_bins: ``int64 (BINS,)``, over all impostor pairs.
    """

    genuine: Floats = field(repr=False)
    genuine_identity: Owners = field(repr=False)
    impostor: Floats = field(repr=False)
    impostor_identities: Owners = field(repr=False)
    impostor_count: int
    usable: Ints = field(repr=False)
    span: tuple[float, float]
    genuine_bins: Ints = field(repr=False)
    impostor_bins: Ints = field(repr=False)
    against: Ints | None = field(repr=False, default=None)

    def impostor_mass(self, weights: Ints) -> Doubles:
        """How many impostor pairs there are, by weights ``int64 (replicates, identities)``."""
        rows = (weights * self.usable).astype(np.float64)
        if self.against is None:
            return np.asarray((rows.sum(axis=1) ** 2 - (rows**2).sum(axis=1)) / 2, np.float64)
        columns = (weights * self.against).astype(np.float64)
        return np.asarray(rows.sum(axis=1) * columns.sum(axis=1) - (rows * columns).sum(axis=1), np.float64)


def cosine(rows: Floats, columns: Floats | None = None) -> Compare:
    """The ordinary comparison: inner products of unit vectors, of the rows themselves where there are no columns."""

    def compare(taken: slice, entries: slice) -> Floats:
        tile: Floats = rows[taken] @ (rows if columns is None else columns)[entries].T
        return tile

    return compare


def compare_all(
    samples: Samples,
    compare: Compare | None = None,
    *,
    span: tuple[float, float] = PLAIN_SPAN,
    kept_least: int = KEPT_LEAST,
) -> Pairs:
    """Compare every usable picture with every other.

    ``compare`` replaces the inner product; it indexes the usable pictures in order. The histograms have the range
    ``span``. At least ``kept_least`` impostor pairs are kept one by one; the rest is only counted.
    """
    identity = samples.identity[samples.acquired].astype(np.int32)
    usable = samples.usable
    impostor_count = int((len(identity) ** 2 - int((usable**2).sum())) // 2)
    compare = compare or cosine(samples.vectors[samples.acquired])
    return _compared(compare, identity, None, usable, None, impostor_count, span, kept_least)


def compare_across(
    rows: Floats,
    row_identity: Ints,
    columns: Floats,
    column_identity: Ints,
    identities: int,
    compare: Compare | None = None,
) -> Pairs:
    """Compare every row (a search) with every column (an entry).

    Both are ``float32 (n, D)`` of unit length with identities ``int64 (n,)``; ``compare`` replaces the inner product.
    """
    compare = compare or cosine(rows, columns)
    usable = np.bincount(row_identity, minlength=identities).astype(np.int64)
    against = np.bincount(column_identity, minlength=identities).astype(np.int64)
    impostor_count = int(usable.sum() * against.sum() - (usable * against).sum())
    ours, theirs = row_identity.astype(np.int32), column_identity.astype(np.int32)
    return _compared(compare, ours, theirs, usable, against, impostor_count)


def _compared(
    compare: Compare,
    ours: Owners,
    theirs: Owners | None,
    usable: Ints,
    against: Ints | None,
    impostor_count: int,
    span: tuple[float, float] = PLAIN_SPAN,
    kept_least: int = KEPT_LEAST,
) -> Pairs:
    """Rows against columns, tile by tile; where there are no columns, rows against the rows behind them."""
    columns = ours if theirs is None else theirs
    tail = _Tail(max(kept_least, int(KEPT_RATE * impostor_count)))
    genuine: list[Floats] = [np.zeros(0, np.float32)]
    genuine_identity: list[Owners] = [np.zeros(0, np.int32)]
    bins = np.zeros((2, BINS), np.int64)
    for first in range(0, len(ours), TILE):
        for second in range(first if theirs is None else 0, len(columns), TILE):
            taken, entries = slice(first, first + TILE), slice(second, second + TILE)
            tile = compare(taken, entries)
            same = ours[taken, None] == columns[None, entries]
            other = ~same
            if theirs is None and first == second:
                behind = np.triu(np.ones(tile.shape, bool), 1)
                same, other = same & behind, other & behind
            genuine.append(tile[same])
            genuine_identity.append(ours[taken][np.nonzero(same)[0]])
            bins[0] += _binned(tile[same], span)
            bins[1] += _binned(tile[other], span)
            tail.add(tile, other, ours[taken], columns[entries])
    values, owners = np.concatenate(genuine), np.concatenate(genuine_identity)
    order = np.argsort(-values, kind="stable")
    impostor = tail.descending()
    return Pairs(values[order], owners[order], *impostor, impostor_count, usable, span, bins[0], bins[1], against)


class _Tail:
    """The largest values seen so far, with the identities they belong to."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._cut = -np.inf
        self._values: list[Floats] = []
        self._owners: list[Owners] = []
        self._held = 0

    def add(self, tile: Floats, wanted: Bools, a: Owners, b: Owners) -> None:
        rows, columns = np.nonzero(wanted & (tile >= self._cut))
        self._values.append(tile[rows, columns])
        self._owners.append(np.stack([a[rows], b[columns]], axis=1))
        self._held += len(rows)
        if self._held > 2 * self._keep:
            self._shrink()

    def _shrink(self) -> None:
        values, owners = np.concatenate(self._values), np.concatenate(self._owners)
        rows = np.argpartition(-values, self._keep - 1)[: self._keep]
        self._values, self._owners, self._held = [values[rows]], [owners[rows]], self._keep
        self._cut = float(self._values[0].min())

    def descending(self) -> tuple[Floats, Owners]:
        if self._held > self._keep:
            self._shrink()
        if not self._values:
            return np.zeros(0, np.float32), np.zeros((0, 2), np.int32)
        values, owners = np.concatenate(self._values), np.concatenate(self._owners)
        order = np.argsort(-values, kind="stable")
        return values[order], owners[order]


def _binned(values: Floats, span: tuple[float, float]) -> Ints:
    low, high = span
    at = ((values - low) * (BINS / (high - low))).astype(np.int64)
    return np.bincount(np.clip(at, 0, BINS - 1), minlength=BINS).astype(np.int64)
