"""The gallery answers exactly, whatever the number of pictures, expiry and order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.errors import ModelError, ShapeError, WatchlistError
from lfr_ray.match.decide_match import NOT_COMPARED
from lfr_ray.match.watchlist_entries import Entry
from lfr_ray.match.watchlist_in_memory import Gallery

MODEL = "m1"


@dataclass(frozen=True)
class Row:
    entry: Entry
    image_id: str
    vector: np.ndarray
    model: str = MODEL


def units(count: int, length: int = 16, seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng(seed).standard_normal((count, length)).astype(np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def rows_of(pictures: list[int], expires: list[float | None] | None = None, seed: int = 0) -> list[Row]:
    """One entry for every number: so many pictures of it."""
    vectors = iter(units(sum(pictures), seed=seed))
    until = expires or [None] * len(pictures)
    return [
        Row(Entry(f"e{number:03}", "n", "test", expires_at=until[number]), f"e{number:03}/{rank}", next(vectors))
        for number, count in enumerate(pictures)
        for rank in range(count)
    ]


def expected(rows: list[Row], probes: np.ndarray, ids: list[str]) -> np.ndarray:
    answer = np.full((len(probes), len(ids)), -np.inf)
    for row in rows:
        column = ids.index(row.entry.entry_id)
        answer[:, column] = np.maximum(answer[:, column], probes.astype(np.float64) @ row.vector.astype(np.float64))
    return answer


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.integers(1, 6), st.randoms(), st.integers(0, 1000))
def test_exactly_the_best_of_each_entry_s_pictures(pictures: list[int], probes: int, random: object, seed: int) -> None:
    rows = rows_of(pictures, seed=seed)
    random.shuffle(rows)  # type: ignore[attr-defined]
    gallery = Gallery(rows, MODEL)
    vectors = units(probes, seed=seed + 1)
    found = gallery.search(vectors, 0.0, MODEL)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(rows, vectors, [e.entry_id for e in gallery.entries]), atol=1e-6)
    assert gallery.pictures == sum(pictures)
    assert [entry.entry_id for entry in gallery.entries] == sorted({row.entry.entry_id for row in rows})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=1, max_size=8), st.floats(0, 100))
def test_expired_entries_are_never_compared(expires: list[float | None], now_s: float) -> None:
    gallery = Gallery(rows_of([1] * len(expires), expires), MODEL)
    found = gallery.search(units(2, seed=5), now_s, MODEL)
    for column, until in enumerate(expires):
        expired = until is not None and until <= now_s
        assert (found[:, column] == NOT_COMPARED).all() == expired
        assert gallery.in_force(now_s)[column] != expired


def test_every_row_has_its_own_moment() -> None:
    gallery = Gallery(rows_of([1, 1], [10.0, None]), MODEL)
    found = gallery.search(units(3, seed=5), np.array([9.0, 10.0, 11.0]), MODEL)
    assert (found[:, 0] == NOT_COMPARED).tolist() == [False, True, True]
    assert (found[:, 1] > NOT_COMPARED).all()


def test_vectors_of_another_model_are_refused_by_name() -> None:
    gallery = Gallery(rows_of([1]), MODEL)
    with pytest.raises(ModelError) as caught:
        gallery.search(units(1), 0.0, "m2")
    assert "m2" in caught.value.got
    assert MODEL in caught.value.allowed
    with pytest.raises(ModelError) as caught:
        Gallery(rows_of([1]), "m2")
    assert (caught.value.got, caught.value.allowed) == (MODEL, "m2")


def test_vectors_that_are_none_are_refused() -> None:
    rows = rows_of([1])
    with pytest.raises(WatchlistError, match="unit length"):
        Gallery([Row(rows[0].entry, "x", rows[0].vector * 2)], MODEL)
    with pytest.raises(ShapeError):
        Gallery([rows[0], Row(rows[0].entry, "y", units(1, 8)[0])], MODEL)
    gallery = Gallery(rows, MODEL)
    for wrong in (units(1, 8), units(1).astype(np.float64), np.full((1, 16), np.nan, np.float32), units(1)[0]):
        with pytest.raises(ShapeError):
            gallery.search(wrong, 0.0, MODEL)


def test_an_empty_gallery_answers_with_nothing() -> None:
    gallery = Gallery((), MODEL, vector_length=16)
    assert gallery.search(units(2), 0.0, MODEL).shape == (2, 0)
    assert Gallery(rows_of([2]), MODEL).search(np.zeros((0, 16), np.float32), 0.0, MODEL).shape == (0, 1)
    assert len(gallery) == gallery.pictures == 0


def test_the_nearest_picture_of_an_entry() -> None:
    rows = rows_of([3, 1, 2])
    gallery = Gallery(rows[::-1], MODEL)
    for row in rows:
        entry = [known.entry_id for known in gallery.entries].index(row.entry.entry_id)
        assert gallery.nearest_image(entry, row.vector) == row.image_id


def test_relatives_are_near_in_any_picture_and_in_force() -> None:
    rows = rows_of([2, 1, 1, 1], [None, None, 5.0, None])
    near = rows[1].vector + 0.1 * units(1, seed=9)[0]
    rows[2] = Row(rows[2].entry, "near", near / np.linalg.norm(near))
    rows[3] = Row(rows[3].entry, "near but expired", rows[1].vector)
    gallery = Gallery(rows, MODEL)
    assert gallery.relatives(0, 0.9, now_s=6.0) == ("e001",)
    assert gallery.relatives(0, 0.9, now_s=4.0) == ("e002", "e001")
    assert gallery.relatives(3, 0.9, now_s=4.0) == ()


def test_arguments_are_not_written_into() -> None:
    gallery = Gallery(rows_of([2, 1], [1.0, None]), MODEL)
    vectors = units(2)
    vectors.flags.writeable = False
    before = vectors.copy()
    gallery.search(vectors, 5.0, MODEL)
    np.testing.assert_array_equal(vectors, before)
