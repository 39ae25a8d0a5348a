"""The watchlist in memory: one exact matrix, no index, so that nobody is missed or found by approximation."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array
from lfr_ray.errors import ModelError, WatchlistError
from lfr_ray.match.decide_match import NOT_COMPARED
from lfr_ray.match.watchlist_entries import Entry
from lfr_ray.records import Floats

if TYPE_CHECKING:
    from lfr_ray.match.watchlist_store import StoredVector

NOBODY = Entry("", "", "")

UNIT_TOLERANCE = 1e-3
"""Vectors whose length is further from 1 than this were not made by an embedder."""


class Gallery:
    """Every enrolled picture's vector, grouped by entry.

    The first picture of every entry is a row of one matrix, so that a product with it is the answer. Further pictures
    stand in smaller matrices, one for all second pictures, one for all third and so on; their products are folded in
    with the maximum. Entries are numbered in the order of their ids.

    Args:
        rows: Pictures, in any order.
        model: What all of them must carry; see :attr:`lfr_ray.models.cards.ModelCard.enrolled_as`.
        vector_length: Length of the vectors where there are none yet; 0: any.

    Raises:
        ModelError: A row of another model.
        WatchlistError: Vectors of different length, or not of unit length.
    """

    def __init__(self, rows: Sequence[StoredVector], model: str, vector_length: int = 0) -> None:
        _check(rows, model)
        ordered = sorted(rows, key=lambda row: (row.entry.entry_id, row.image_id))
        of_entry: dict[str, list[StoredVector]] = {}
        for row in ordered:
            of_entry.setdefault(row.entry.entry_id, []).append(row)
        groups = list(of_entry.values())
        self.model = model
        self.entries: tuple[Entry, ...] = tuple(group[0].entry for group in groups)
        self.vector_length = len(ordered[0].vector) if ordered else vector_length
        self._expires_at = np.array(
            [np.inf if entry.expires_at is None else entry.expires_at for entry in self.entries], np.float64
        )
        self._first_expiry = float(self._expires_at.min(initial=np.inf))
        self._images = [[row.image_id for row in group] for group in groups]
        self._firsts = self._matrix([group[0] for group in groups])
        self._further: list[tuple[npt.NDArray[np.intp], Floats]] = []
        for rank in range(1, max(map(len, groups), default=0)):
            numbers = [number for number, group in enumerate(groups) if len(group) > rank]
            columns = np.array(numbers, np.intp)
            self._further.append((columns, self._matrix([groups[number][rank] for number in numbers])))

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def pictures(self) -> int:
        """Enrolled pictures of all entries."""
        return sum(map(len, self._images))

    def anonymous(self) -> Gallery:
        """The same vectors and expiries, without a word of whose they are."""
        found = copy.copy(self)
        found.entries, found._images = (NOBODY,) * len(self.entries), []
        return found

    def first_vectors(self) -> Floats:
        """``float32 (E, D)``: the first picture of every entry, in the entries' order."""
        return self._firsts

    def in_force(self, now_s: float) -> npt.NDArray[np.bool_]:
        """Which entries may be compared at a wall time, ``bool (E,)``."""
        return self._expires_at > now_s

    def search(self, vectors: Floats, now_s: float | npt.NDArray[np.float64], model: str) -> Floats:
        """Similarity of every vector to every entry: the nearest of the entry's pictures.

        Args:
            vectors: ``float32 (n, D)`` of unit length.
            now_s: Wall time whose expiry counts, one for all or ``float64 (n,)``.
            model: What the embedder that made the vectors enrols as.

        Returns:
            ``float32 (n, E)``; :data:`~lfr_ray.match.decide_match.NOT_COMPARED` where an entry has expired.

        Raises:
            ModelError: Vectors of another model than the list's.
            ShapeError: Not such an array.
        """
        if model != self.model:
            raise ModelError(
                "vectors of two models cannot be compared",
                got=f"a tracklet embedded with {model}",
                allowed=f"{self.model}, with which the watchlist was enrolled",
                next_step="use one embedder for both, or import the watchlist again",
            )
        length: int | str = self.vector_length or "D"
        check_array("vectors", vectors, ("n", length), np.float32, finite=True)
        similarities = self._similarities(vectors)
        moments = np.asarray(now_s, np.float64)
        if self._first_expiry <= float(moments.max(initial=-np.inf)):
            expired = self._expires_at[None, :] <= moments.reshape(-1, 1)
            similarities[np.broadcast_to(expired, similarities.shape)] = NOT_COMPARED
        return similarities

    def nearest_image(self, entry: int, vector: Floats) -> str:
        """Id of the entry's picture that a vector is nearest to."""
        rows = self._rows_of(entry)
        return self._images[entry][int((rows @ vector).argmax())]

    def relatives(self, entry: int, at_least: float, now_s: float) -> tuple[str, ...]:
        """Ids of other entries whose pictures are this close to one of this entry's, nearest first."""
        nearest = self.search(self._rows_of(entry), now_s, self.model).max(axis=0)
        nearest[entry] = NOT_COMPARED
        order = np.argsort(-nearest, kind="stable")
        return tuple(self.entries[other].entry_id for other in order[: int((nearest >= at_least).sum())])

    def _similarities(self, vectors: Floats) -> Floats:
        if not self.entries or not len(vectors):
            return np.zeros((len(vectors), len(self.entries)), np.float32)
        product: Floats = vectors @ self._firsts.T
        for columns, matrix in self._further:
            product[:, columns] = np.maximum(product[:, columns], vectors @ matrix.T)
        return product

    def _rows_of(self, entry: int) -> Floats:
        own = [self._firsts[entry]]
        own += [matrix[columns == entry][0] for columns, matrix in self._further if entry in columns]
        return np.stack(own)

    def _matrix(self, rows: Sequence[StoredVector]) -> Floats:
        return np.stack([row.vector for row in rows]) if rows else np.zeros((0, self.vector_length), np.float32)


def _check(rows: Sequence[StoredVector], model: str) -> None:
    named = model.partition("#")[0]
    for row in rows:
        if row.model != model:
            raise ModelError(
                "the watchlist was enrolled with another model",
                got=row.model,
                allowed=model,
                next_step=f"enrol it again: lfr watchlist import DIR --site SITE.yaml --model {named}",
            )
        check_array("an enrolled vector", row.vector, (len(rows[0].vector),), np.float32, finite=True)
        length = float(np.linalg.norm(row.vector))
        if abs(length - 1.0) > UNIT_TOLERANCE:
            raise WatchlistError(
                "an enrolled vector is not of unit length",
                got=f"{length:.4f}",
                allowed="1",
                next_step="import the watchlist again",
            )
