"""Do the pictures of a list agree with each other? One person, one entry; one entry, one person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lfr_ray.match.watchlist_entries import EnrolledImage, Rejected
from lfr_ray.models.card_calibration import Calibration
from lfr_ray.records import Floats

FIRST_CAPACITY = 256


class Consistency:
    """Compares new pictures with those that are on the list; it grows with the list.

    Args:
        known: Entry id and vector ``float32 (D,)`` of every picture that is on the list already.
        calibration: The embedder's: from where on two pictures show one person, and below what two people. What it
            does not say is not checked.
        one_entry_each: Whether a person may stand on the list once only. Twins are a reason to say no.
    """

    def __init__(
        self,
        known: Iterable[tuple[str, Floats]],
        calibration: Calibration | None,
        *,
        one_entry_each: bool = True,
    ) -> None:
        self._same_person_at = calibration.same_person if calibration is not None and one_entry_each else None
        self._different_below = calibration.different_person if calibration is not None else None
        self._owners: list[str] = []
        self._rows_of: dict[str, list[int]] = {}
        self._vectors: Floats = np.zeros((0, 0), np.float32)
        for owner, vector in known:
            self._add(owner, vector)

    def consistent(
        self, images: Sequence[EnrolledImage], names: Mapping[str, str], rejected: list[Rejected]
    ) -> list[EnrolledImage]:
        """The pictures that contradict nothing; the others are rejected with the reason.

        ``names`` has a picture's name by its image id; ``rejected`` takes the rejections.
        """
        of_entry: dict[str, list[EnrolledImage]] = {}
        for image in images:
            of_entry.setdefault(image.entry.entry_id, []).append(image)
        kept: list[EnrolledImage] = []
        for entry_id, group in of_entry.items():
            for image, reason in zip(group, self._faults(entry_id, group), strict=True):
                if reason:
                    rejected.append(Rejected(names[image.image_id], reason))
                else:
                    self._add(entry_id, image.vector)
                    kept.append(image)
        return kept

    def _faults(self, entry_id: str, group: Sequence[EnrolledImage]) -> list[str]:
        """Why a picture of one entry is not taken, or empty, for each."""
        vectors = np.stack([image.vector for image in group])
        others = ([one for one in self.alike(vector) if one != entry_id] for vector in vectors)
        reasons = [f"duplicate person: the face is also entry {found[0]}'s" if found else "" for found in others]
        left = [number for number, reason in enumerate(reasons) if not reason]
        for number in self._strangers(entry_id, vectors, left):
            reasons[number] = "the entry's pictures show different people, and this one is not like the others"
        return reasons

    def alike(self, vector: Floats) -> tuple[str, ...]:
        """Ids of the entries that show this person, as far as the calibration can tell."""
        if self._same_person_at is None or not self._owners:
            return ()
        similarities = self._vectors[: len(self._owners)] @ vector
        found = (self._owners[int(number)] for number in np.flatnonzero(similarities >= self._same_person_at))
        return tuple(dict.fromkeys(found))

    def _strangers(self, entry_id: str, vectors: Floats, left: list[int]) -> list[int]:
        """Pictures that show somebody else than the entry's other pictures, those that are stored included.

        The one that is least like the others goes first; of two that disagree nobody can say which is right.
        """
        if self._different_below is None:
            return []
        stored = self._vectors[self._rows_of.get(entry_id, [])]
        strangers: list[int] = []
        left = list(left)
        while left and len(left) + len(stored) > 1:
            similarities = _median_similarity(vectors[left], stored)
            if float(similarities.min()) >= self._different_below:
                break
            if len(left) == 2 and not len(stored):
                return strangers + left
            strangers.append(left.pop(int(similarities.argmin())))
        return strangers

    def _add(self, owner: str, vector: Floats) -> None:
        """Keep a vector; the array doubles when it is full, so that a long list is not copied for every picture."""
        count = len(self._owners)
        if not count:
            self._vectors = np.zeros((FIRST_CAPACITY, len(vector)), np.float32)
        elif count == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[count] = vector
        self._owners.append(owner)
        self._rows_of.setdefault(owner, []).append(count)


def _median_similarity(vectors: Floats, stored: Floats) -> Floats:
    """The median similarity of each new picture to the others of the entry, ``float32 (N,)``."""
    everything = np.concatenate([vectors, stored]) if len(stored) else vectors
    similarities = vectors @ everything.T
    similarities[np.arange(len(vectors)), np.arange(len(vectors))] = np.nan
    median: Floats = np.nanmedian(similarities, axis=1).astype(np.float32)
    return median
