"""What a second person is told of a list before approving it."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.match.watchlist_composition import YEAR_S, Pair, close_pairs, compose
from lfr_ray.match.watchlist_entries import Entry
from lfr_ray.match.watchlist_store import StoredVector
from lfr_ray.models.card_calibration import Calibration

NOW = 1.8e9
CARD = Calibration(threshold=0.9, view_threshold=0.8, list_size=9, relative=0.9, same_person=0.98, data="x")


def row(entry_id: str, angle_deg: float, quality: float = 0.5, picture: int = 0, **fields: object) -> StoredVector:
    vector = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))], np.float32)
    known: dict[str, object] = {
        "name": "A. Person",
        "category": "suspect",
        "expires_at": NOW + 9,
        "image_source": "custody",
    }
    entry = Entry(entry_id, **(known | fields))  # type: ignore[arg-type]
    return StoredVector(entry, f"{entry_id}/{picture}", "f" * 64, "m", vector, quality, 90.0)


def test_counts_ages_and_second_looks() -> None:
    rows = [
        row("a", 0, image_date=NOW - 0.5 * YEAR_S),
        row("a", 1, 0.9, 1, image_date=NOW - 0.5 * YEAR_S),
        row("b", 60, 0.1, image_date=NOW - 11 * YEAR_S, under_18=True, under_18_reason="missing"),
        row("c", 120, category="missing-or-at-risk", expires_at=NOW, image_date=NOW - 3 * YEAR_S),
        row("d", 180, category="test", expires_at=None, image_source="", image_date=NOW - 7 * YEAR_S),
        row("e", 240),
    ]
    found = compose(rows, NOW, CARD)
    assert (found.entries, found.images) == (5, 6)
    assert found.by_category == {"suspect": 3, "missing-or-at-risk": 1, "test": 1}
    assert found.by_source == {"custody": 4, "not stated": 1}
    assert found.image_years == {"0-1": 1, "1-5": 1, "5-10": 1, "over 10": 1, "unknown": 1}
    assert found.old_images == ("b",)
    assert found.quality == pytest.approx((0.1, 0.5, 0.9))
    assert found.low_quality == ("b",)
    assert found.expired == ("c",)
    assert found.without_expiry == ("d",)
    assert found.under_18 == ("b",)
    assert found.duplicates == found.relatives == ()
    assert "A. Person" not in repr(found)


def test_pairs_of_one_person_and_of_relatives() -> None:
    rows = [row("a", 0), row("b", 5), row("c", 25), row("d", 180), row("a", 181, picture=1)]
    found = compose(rows, NOW, CARD)
    assert [(pair.one, pair.other) for pair in found.duplicates] == [("a", "d"), ("a", "b")]
    assert [(pair.one, pair.other) for pair in found.relatives] == [("b", "c"), ("a", "c")]
    assert found.duplicates[0].similarity == pytest.approx(np.cos(np.radians(1)), abs=1e-4)
    assert compose(rows, NOW, None).relatives == ()


def test_pairs_across_blocks_are_found_once() -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((2500, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[2400], vectors[1030] = vectors[3], vectors[1020]
    rows = [
        StoredVector(Entry(f"e{number:04}", "n", "test"), str(number), "f", "m", vector, 0.5, 90.0)
        for number, vector in enumerate(vectors)
    ]
    assert close_pairs(rows, 0.99) == (Pair("e0003", "e2400", 1.0), Pair("e1020", "e1030", 1.0))


def test_an_empty_list_has_a_composition() -> None:
    found = compose((), NOW, CARD)
    assert (found.entries, found.quality, found.by_category) == (0, (0.0, 0.0, 0.0), {})
