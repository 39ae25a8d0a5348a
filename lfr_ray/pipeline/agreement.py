"""Do the pictures of a list agree with each other? One person, one entry; one entry, one person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lfr_ray.match.entries import EnrolledImage, Rejected
from lfr_ray.records import Floats

SAME_PERSON = 0.975
"""Similarity of single pictures from which two entries are one person under two ids. Of 2.4 million pairs of
different people of the development pictures one in 100,000 reaches 0.952, and the tail thins out tenfold each 0.01."""

STRANGER = 0.88
"""Below, a picture does not show the person that the entry's other pictures show: 1 pair in 400 of one person's."""

ENOUGH = 3
"""With fewer pictures nobody can say which of them is the wrong one."""


FIRST_ROOM = 256


class Agreement:
    """Grows with the list.

    Args:
        known: Entry id and vector ``float32 (D,)`` of every picture that is on the list already.
    """

    def __init__(self, known: Iterable[tuple[str, Floats]]) -> None:
        self._owners: list[str] = []
        self._room: Floats = np.zeros((FIRST_ROOM, 0), np.float32)
        for owner, vector in known:
            self._add(owner, vector)

    def agreed(
        self, images: Sequence[EnrolledImage], names: Mapping[str, str], rejected: list[Rejected]
    ) -> list[EnrolledImage]:
        """The pictures that contradict nothing; the others are rejected with the reason.

        Args:
            images: New pictures.
            names: A picture's name by its image id.
            rejected: Takes the rejections.
        """
        kept = []
        for image in self._of_one_person(images, names, rejected):
            other = self._same_person(image)
            if other:
                reason = f"duplicate person: the face is entry {other}'s"
                rejected.append(Rejected(names[image.image_id], reason))
                continue
            self._add(image.entry.entry_id, image.vector)
            kept.append(image)
        return kept

    def _of_one_person(
        self, images: Sequence[EnrolledImage], names: Mapping[str, str], rejected: list[Rejected]
    ) -> list[EnrolledImage]:
        of_entry: dict[str, list[EnrolledImage]] = {}
        for image in images:
            of_entry.setdefault(image.entry.entry_id, []).append(image)
        kept = []
        for group in of_entry.values():
            stranger = _stranger(np.stack([image.vector for image in group])) if len(group) >= ENOUGH else None
            for number, image in enumerate(group):
                if number == stranger:
                    reason = "it shows somebody else than the entry's other pictures"
                    rejected.append(Rejected(names[image.image_id], reason))
                else:
                    kept.append(image)
        return kept

    def _same_person(self, image: EnrolledImage) -> str:
        """The other entry whose picture shows the same person, or empty."""
        similarities = self._room[: len(self._owners)] @ image.vector if self._owners else np.zeros(0, np.float32)
        for number in np.flatnonzero(similarities >= SAME_PERSON):
            if self._owners[int(number)] != image.entry.entry_id:
                return self._owners[int(number)]
        return ""

    def _add(self, owner: str, vector: Floats) -> None:
        """Keep a vector; the room doubles when it is full, so that a long list is not copied for every picture."""
        count = len(self._owners)
        if not count:
            self._room = np.zeros((FIRST_ROOM, len(vector)), np.float32)
        elif count == len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[count] = vector
        self._owners.append(owner)


def _stranger(vectors: Floats) -> int | None:
    """The picture that is furthest from the others, if it shows somebody else."""
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, np.nan)
    to_others = np.nanmedian(similarities, axis=1)
    furthest = int(np.argmin(to_others))
    others = np.delete(np.delete(similarities, furthest, axis=0), furthest, axis=1)
    alike = float(np.nanmedian(others))
    return furthest if to_others[furthest] < STRANGER <= alike else None
