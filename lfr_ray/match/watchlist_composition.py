"""What a watchlist is made of: what a second person looks at before approving it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lfr_ray.match.watchlist_entries import CATEGORIES, Entry
from lfr_ray.match.watchlist_store import StoredVector
from lfr_ray.models.card_calibration import Calibration
from lfr_ray.records import Floats

YEAR_S = 365.25 * 86_400
OLD_YEARS = 10
"""Pictures older than this are named: faces change."""

LOW_QUALITY = 0.15
"""Entries whose best picture is worth less are named."""

BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries whose pictures are near each other."""

    one: str
    other: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Composition:
    """A watchlist in numbers, and the entries that deserve a second look.

    Attributes:
        by_category: Entries of every category that occurs.
        by_source: Entries by image source.
        image_years: Entries by the age of their picture in years: ``"0-1"``, ``"1-5"``, ``"5-10"``, ``"over 10"``,
            ``"unknown"``.
        old_images: Ids of entries with a picture over ten years old.
        quality: Least, median and largest quality of the entries' best pictures.
        low_quality: Ids of entries without a good picture.
        expired: Ids of entries that are no longer compared.
        without_expiry: Ids of entries that never expire.
        under_18: Ids of entries of people under 18.
        duplicates: Pairs that seem to be one person under two ids.
        relatives: Pairs that may be relatives or doubles: an alert for one may be the other.
    """

    entries: int
    images: int
    by_category: Mapping[str, int]
    by_source: Mapping[str, int]
    image_years: Mapping[str, int]
    old_images: tuple[str, ...]
    quality: tuple[float, float, float]
    low_quality: tuple[str, ...]
    expired: tuple[str, ...]
    without_expiry: tuple[str, ...]
    under_18: tuple[str, ...]
    duplicates: tuple[Pair, ...]
    relatives: tuple[Pair, ...]


def compose(rows: Sequence[StoredVector], now_s: float, calibration: Calibration | None) -> Composition:
    """The composition of a list: of every stored picture of one model, at a wall time.

    Without a calibration of the embedder nobody knows from where on two pictures are close: no pairs are looked for.
    """
    entries = {row.entry.entry_id: row.entry for row in rows}
    best: dict[str, float] = {}
    for row in rows:
        best[row.entry.entry_id] = max(best.get(row.entry.entry_id, 0.0), row.quality)
    values = sorted(best.values())
    pairs = close_pairs(rows, calibration.relative) if calibration is not None else ()
    same_at = calibration.same_person if calibration is not None else None
    duplicates = tuple(pair for pair in pairs if same_at is not None and pair.similarity >= same_at)
    counted = Counter(entry.category for entry in entries.values())
    return Composition(
        entries=len(entries),
        images=len(rows),
        by_category={category: counted[category] for category in CATEGORIES if counted[category]},
        by_source=dict(Counter(entry.image_source or "not stated" for entry in entries.values()).most_common()),
        image_years=_image_years(entries.values(), now_s),
        old_images=_ids(entries, lambda entry: _age_years(entry, now_s) > OLD_YEARS),
        quality=(values[0], float(np.median(values)), values[-1]) if values else (0.0, 0.0, 0.0),
        low_quality=_ids(entries, lambda entry: best[entry.entry_id] < LOW_QUALITY),
        expired=_ids(entries, lambda entry: not entry.in_force(now_s)),
        without_expiry=_ids(entries, lambda entry: entry.expires_at is None),
        under_18=_ids(entries, lambda entry: entry.under_18),
        duplicates=duplicates,
        relatives=tuple(pair for pair in pairs if pair not in set(duplicates)),
    )


def close_pairs(rows: Sequence[StoredVector], at_least: float) -> tuple[Pair, ...]:
    """Pairs of entries whose nearest pictures are at least this similar, nearest first."""
    if not rows:
        return ()
    vectors: Floats = np.stack([row.vector for row in rows])
    ids = [row.entry.entry_id for row in rows]
    nearest: dict[tuple[str, str], float] = {}
    for start in range(0, len(rows), BLOCK):
        near = vectors[start : start + BLOCK] @ vectors[start:].T
        for first, second in zip(*np.nonzero(near >= at_least), strict=True):
            one, other = sorted((ids[start + int(first)], ids[start + int(second)]))
            if one != other:
                similarity = float(near[first, second])
                nearest[one, other] = max(similarity, nearest.get((one, other), -1.0))
    ordered = sorted(nearest.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Pair(one, other, round(similarity, 4)) for (one, other), similarity in ordered)


def _ids(entries: Mapping[str, Entry], chosen: Callable[[Entry], bool]) -> tuple[str, ...]:
    return tuple(sorted(entry_id for entry_id, entry in entries.items() if chosen(entry)))


def _age_years(entry: Entry, now_s: float) -> float:
    """Age of the picture; 0 where it is not known."""
    return 0.0 if entry.image_date is None else (now_s - entry.image_date) / YEAR_S


def _image_years(entries: Iterable[Entry], now_s: float) -> dict[str, int]:
    bands = ("0-1", "1-5", "5-10", f"over {OLD_YEARS}")
    counts = dict.fromkeys((*bands, "unknown"), 0)
    for entry in entries:
        known = entry.image_date is not None
        counts[bands[bisect_left((1, 5, OLD_YEARS), _age_years(entry, now_s))] if known else "unknown"] += 1
    return counts
