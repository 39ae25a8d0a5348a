"""Who may be on a watchlist, and what must be known of them: the closed categories and the rows' values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from lfr_ray.records import Floats

TEST = "test"
"""Category of entries that came without a CSV: for recorded footage and test deployments only."""

BLUE_LIST = "blue-list"
"""Category of volunteers who agreed to be looked for; their alerts measure the system."""

CATEGORIES: Mapping[str, str] = {
    "wanted-by-court": "a court has issued a warrant for the person",
    "suspect": "suspected of an offence that the authority names",
    "order-or-condition": "subject to a court order, or to a condition of bail or licence",
    "missing-or-at-risk": "missing, or at risk of harm themselves",
    "risk-of-harm": "presents a risk of harm to others at the event",
    BLUE_LIST: "a volunteer who has consented, to measure the system",
    TEST: "a test: never compared in a live deployment",
}
"""The closed list, after R (Bridges) v South Wales Police [2020] EWCA Civ 1058."""

FORBIDDEN_CATEGORIES = frozenset({"intelligence", "other", "any-other", "person-of-interest"})
"""Too open: they would let an officer put anyone on a list."""

_SPELLINGS: Mapping[str, str] = {
    "order": "order-or-condition",
    "condition": "order-or-condition",
    "order-condition": "order-or-condition",
    "missing": "missing-or-at-risk",
    "at-risk": "missing-or-at-risk",
    "missing-at-risk": "missing-or-at-risk",
    "bluelist": BLUE_LIST,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One person on the list, without pictures.

    Attributes:
        expires_at: Seconds since 1970 UTC from which the entry is no longer compared; None: never (tests only).
        image_date: When the picture was taken, seconds since 1970 UTC, or None where unknown.
        priority: 1 (first) to 5.
        lawful_holding: On what ground the picture is held.
        declared_group: What a volunteer of the blue list declared of themselves; empty for everyone else.
    """

    entry_id: str
    name: str = field(repr=False)
    category: str
    legal_basis: str = ""
    image_source: str = ""
    authorised_by: str = ""
    expires_at: float | None = None
    action: str = ""
    nominal_id: str = ""
    rationale: str = field(default="", repr=False)
    image_date: float | None = None
    priority: int = 3
    under_18: bool = False
    under_18_reason: str = field(default="", repr=False)
    lawful_holding: str = ""
    declared_group: str = field(default="", repr=False)

    def in_force(self, now_s: float) -> bool:
        """Whether the entry may be compared at this wall time."""
        return self.expires_at is None or now_s < self.expires_at


ENTRY_FIELDS: tuple[str, ...] = tuple(one.name for one in fields(Entry))


Crop = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of an upright picture, pixels."""


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """One valid entry of a watchlist folder.

    Attributes:
        pictures: The picture files that lie in it, by name.
        faces: Which face is meant, counted from 1, left to right: by a picture's file name, or under an empty name
            for every picture with several faces.
        crops: Which part of a picture is looked at, in the same way.
    """

    entry: Entry
    pictures: tuple[Path, ...] = ()
    faces: Mapping[str, int] = field(default_factory=dict)
    crops: Mapping[str, Crop] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that was not taken in, and why. ``file`` is relative to the watchlist folder."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was taken in and that the user should look at. ``file`` is relative to the watchlist folder."""

    file: str
    note: str


@dataclass(frozen=True, slots=True)
class WatchlistFolder:
    """What a watchlist folder holds."""

    entries: tuple[EntryDraft, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledImage:
    """One picture of one entry, as it is stored: a row of the table.

    Attributes:
        file_sha256: Hash of the file that was imported.
        model: What the embedder that made the vector enrols as: its card's id, and its revision from the second on.
        vector: ``float32 (D,)`` of unit length.
        covered: Vectors of the same face with a region painted over, by region; empty where the model has none.
        quality: 0..1.
        size_px: Size of the face in the imported picture.
        jpeg: The subject cut out with some margin, for the officer's comparison.
        imported_by: Who imported it; this person may not approve the list.
    """

    entry: Entry
    file_sha256: str
    model: str
    vector: Floats = field(repr=False)
    quality: float
    size_px: float
    jpeg: bytes = field(repr=False)
    imported_by: str = ""
    imported_at: float = 0.0
    covered: Mapping[str, Floats] = field(repr=False, default_factory=dict)

    @property
    def image_id(self) -> str:
        """The same entry, file and model always give the same id, so a repeated import changes nothing."""
        return image_id(self.entry.entry_id, self.file_sha256, self.model)

    def digest(self) -> str:
        """Hash of everything that decides what this row does: who, on what basis, which face.

        Who imported it and when is left out: the same list imported twice is the same list.
        """
        known = {name: getattr(self.entry, name) for name in ENTRY_FIELDS}
        known |= {name: getattr(self, name) for name in ("file_sha256", "model", "quality", "size_px")}
        known["jpeg_sha256"] = hashlib.sha256(self.jpeg).hexdigest()
        known["vector_sha256"] = vector_sha256(self.vector)
        if self.covered:
            known["covered_sha256"] = {name: vector_sha256(vector) for name, vector in sorted(self.covered.items())}
        text = json.dumps(known, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def image_id(entry_id: str, file_sha256: str, model: str) -> str:
    """Id of a stored picture."""
    return hashlib.sha256("\n".join((entry_id, file_sha256, model)).encode()).hexdigest()[:24]


def vector_sha256(vector: Floats) -> str:
    """Hash of a vector's bytes, little-endian float32."""
    return hashlib.sha256(np.ascontiguousarray(vector, dtype="<f4").tobytes()).hexdigest()


def category_named(text: str) -> str:
    """The category that a CSV cell means.

    Raises:
        ValueError: No such category; the text says why and which exist.

    >>> category_named("Missing / at risk")
    'missing-or-at-risk'
    >>> category_named("intelligence")
    Traceback (most recent call last):
    ...
    ValueError: category 'intelligence' does not exist here: the Court of Appeal found such open categories \
unlawful (R (Bridges) v South Wales Police [2020] EWCA Civ 1058); allowed: wanted-by-court, suspect, \
order-or-condition, missing-or-at-risk, risk-of-harm, blue-list, test
    """
    plain = "-".join(text.lower().replace("/", " ").replace("_", " ").replace("-", " ").split())
    plain = _SPELLINGS.get(plain, plain)
    if plain in CATEGORIES:
        return plain
    allowed = f"allowed: {', '.join(CATEGORIES)}"
    if not plain:
        raise ValueError(f"category is empty; {allowed}")
    if plain in FORBIDDEN_CATEGORIES:
        raise ValueError(
            f"category {text.strip()!r} does not exist here: the Court of Appeal found such open categories unlawful "
            f"(R (Bridges) v South Wales Police [2020] EWCA Civ 1058); {allowed}"
        )
    raise ValueError(f"category {text.strip()[:40]!r} is not on the closed list; {allowed}")
