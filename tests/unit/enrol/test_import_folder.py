"""A watchlist folder into the store: every picture is taken or named, and nothing is there by halves."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lfr_ray.camera.still_pictures import encode_jpeg, read_picture
from lfr_ray.enrol import import_folder
from lfr_ray.enrol.import_folder import ImportProgress, ImportReport, enrol_folder
from lfr_ray.enrol.reference_making import STORED_PX
from lfr_ray.errors import ModelError, WatchlistError
from lfr_ray.match.watchlist_csv import COLUMNS
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Picture

NOW = 1.8e9
Paint = Callable[..., Picture]
Listed = Callable[..., Path]


@pytest.fixture
def run(store: WatchlistStore, detector: Any, embedder: Any) -> Callable[..., ImportReport]:
    def imported(folder: Path, **options: Any) -> ImportReport:
        return enrol_folder(folder, store, detector, embedder, now=NOW, imported_by="me", **options)

    return imported


def reasons(report: ImportReport) -> dict[str, str]:
    return {one.file: one.reason for one in report.rejected}


def rows(*entries: tuple[str, str], expires_at: str = "2030-01-01") -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry_id, name in entries:
        writer.writerow((entry_id, name, "suspect", "s. 1", "custody", "Insp.", expires_at, "stop"))
    return out.getvalue()


def test_good_pictures_are_stored_with_vector_quality_and_cut_out(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    folder = listed({"a": {"1.jpg": paint((1, 1)), "2.jpg": paint((1, 2))}, "b": {"1.png": paint((2, 1))}})
    report = run(folder)
    assert (report.entries, report.images, report.added, report.rejected) == (2, 3, 3, ())
    images = store.all()
    assert [one.entry.entry_id for one in images] == ["a", "a", "b"]
    for image in images:
        assert image.entry.category == "test"
        assert np.linalg.norm(image.vector) == pytest.approx(1.0, abs=1e-5)
        assert 0 < image.quality <= 1
        assert image.size_px == pytest.approx(90, abs=4)
        assert (image.imported_by, image.imported_at, image.model) == ("me", NOW, "paint")
        shown = read_picture(image.jpeg)
        assert 90 < shown.shape[0] < 200, "the subject with some margin, not the whole picture"


def test_every_picture_that_is_not_taken_is_named(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    empty = np.random.default_rng(0).integers(0, 100, (200, 200, 3)).astype(np.uint8)
    good = paint((1, 1))
    folder = listed(
        {
            "a": {"good.jpg": good, "nobody.jpg": empty, "zero.jpg": b"", "text.jpg": b"hello"},
            "a2": {"good.jpg": paint((9, 1)), "cut.jpg": b"\xff\xd8\xff"},
            "b": {"two.jpg": paint((2, 1), (3, 1), face=60), "small.jpg": paint((4, 1), face=24), "x.txt": b"x"},
            "c": {"soft.jpg": cv2.GaussianBlur(paint((5, 1), face=120), (0, 0), 8)},
            "d": {"copy.jpg": encode_jpeg(good, 95)},
            "e": {"same1.jpg": paint((6, 1)), "same2.jpg": paint((6, 1))},
        }
    )  # fmt: skip
    report = run(folder)
    found = reasons(report)
    assert found["a/nobody.jpg"] == "no face was found"
    assert "empty" in found["a/zero.jpg"]
    assert "not a picture" in found["a/text.jpg"]
    assert "damaged" in found["a2/cut.jpg"]
    assert "none is clearly the subject" in found["b/two.jpg"]
    assert "px, at least 32 px are needed" in found["b/small.jpg"]
    assert "not a picture" in found["b/x.txt"]
    assert "below the enrolment floor: blurred" in found["c/soft.jpg"]
    assert found["d/copy.jpg"] == "duplicate picture: it is also entry a's"
    assert found["e/same2.jpg"] == "duplicate picture: this entry has it already"
    for entry_id in "bcd":
        assert "no usable picture" in found[f"{entry_id}/"]
    assert [entry.entry_id for entry in store.entries()] == ["a", "a2", "e"]
    assert (report.entries, report.images) == (3, 3)


def test_one_person_under_two_ids_is_named(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    again = paint((1, 1))
    again[:5, :5] = 0
    folder = listed({"a": {"1.jpg": paint((1, 1))}, "b": {"1.jpg": again, "2.jpg": paint((2, 2))}})
    report = run(folder)
    assert reasons(report) == {"b/1.jpg": "duplicate person: the face is also entry a's"}
    assert (report.entries, report.images) == (2, 2)
    # Also against what was imported before, in another folder.
    later = listed({"c": {"1.jpg": again}}, name="later")
    assert reasons(run(later))["c/1.jpg"].startswith("duplicate p")
    again[:5, :5] = 90
    twins = listed({"c": {"1.jpg": again}}, name="twins")
    assert run(twins, one_entry_each=False).entries == 1


def test_a_picture_of_somebody_else_is_named(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    folder = listed(
        {
            "a": {"1.jpg": paint((1, 1)), "2.jpg": paint((7, 2)), "3.jpg": paint((1, 3)), "4.jpg": paint((1, 4))},
            "b": {"1.jpg": paint((2, 1)), "2.jpg": paint((3, 2))},
            "c": {"1.jpg": paint((4, 1))},
        }
    )
    found = reasons(run(folder))
    assert found.keys() == {"a/2.jpg", "b/1.jpg", "b/2.jpg", "b/"}, "of two that disagree nobody knows which is right"
    assert all("show different people" in found[name] for name in ("a/2.jpg", "b/1.jpg"))
    # What is stored counts as the entry's own.
    more = listed({"c": {"1.jpg": paint((4, 1)), "2.jpg": paint((8, 1)), "3.jpg": paint((4, 3))}}, name="more")
    assert reasons(run(more)).keys() == {"c/2.jpg"}
    assert len(store.images("c")) == 2


def test_an_import_is_resumed(
    store: WatchlistStore, detector: Any, embedder: Any, paint: Paint, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = listed({f"e{number:02}": {"1.jpg": paint((number, number))} for number in range(1, 12)})
    monkeypatch.setattr(import_folder, "CHUNK", 4)
    steps: list[ImportProgress] = []

    def stop_after_two(progress: ImportProgress) -> None:
        steps.append(progress)
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enrol_folder(folder, store, detector, embedder, now=NOW, on_progress=stop_after_two)
    assert len(store.entries()) == 8
    assert [(one.done, one.of, one.pictures) for one in steps] == [(4, 11, 4), (8, 11, 8)]
    assert steps[0].left_s > 0
    assert steps[0].pictures_per_s > 0
    embedder.embedded = 0
    report = enrol_folder(folder, store, detector, embedder, now=NOW)
    assert (report.entries, report.images, report.added) == (11, 11, 3)
    assert embedder.embedded == 3
    revision = store.revision()
    assert enrol_folder(folder, store, detector, embedder, now=NOW).added == 0
    assert store.revision() == revision, "nothing to do writes nothing"


def test_what_the_folder_says_now_is_taken_over(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    pictures = {"a": {"1.jpg": paint((1, 1))}, "b": {"1.jpg": paint((2, 1))}}
    run(listed(pictures, rows(("a", "Old Name"), ("b", "Other"))))
    report = run(listed(pictures, rows(("a", "New Name"), ("b", "Other"))))
    assert (report.added, report.changed, report.entries) == (0, 1, 2)
    assert [entry.name for entry in store.entries()] == ["New Name", "Other"]
    assert len(store.all()) == 2
    for path in store.folder.rglob("*"):
        assert not path.is_file() or b"Old Name" not in path.read_bytes()


def test_the_list_can_be_made_exactly_the_folder(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    run(listed({"a": {"1.jpg": paint((1, 1)), "2.jpg": paint((1, 2))}, "old": {"1.jpg": paint((2, 1))}}))
    # The person who was "old" is now "new": not a duplicate of somebody who is going.
    fresh = listed({"a": {"2.jpg": paint((1, 2))}, "new": {"1.jpg": paint((2, 1))}}, name="fresh")
    would = run(fresh, only_this_folder=True, write=False)
    assert (would.entries, would.added, would.removed, len(store.entries())) == (2, 1, 1, 2)
    report = run(fresh, only_this_folder=True)
    assert (report.entries, report.images, report.added, report.removed) == (2, 2, 1, 1)
    assert [(image.entry.entry_id) for image in store.all()] == ["a", "new"]


def test_a_check_writes_nothing(
    store: WatchlistStore, detector: Any, embedder: Any, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    folder = listed({"a": {"1.jpg": paint((1, 1)), "2.jpg": b""}})
    report = run(folder, write=False)
    assert (report.entries, report.added, len(report.rejected)) == (1, 1, 1)
    assert not store.folder.exists()
    assert enrol_folder(folder, None, detector, embedder, now=NOW).entries == 1


def test_another_model_is_enrolled_beside_the_first(
    store: WatchlistStore, detector: Any, embedder: Any, paint: Paint, listed: Listed
) -> None:
    folder = listed({"a": {"1.jpg": paint((1, 1))}})
    enrol_folder(folder, store, detector, embedder, now=NOW)
    embedder.card = embedder.card.model_copy(update={"id": "paint2"})
    report = enrol_folder(folder, store, detector, embedder, now=NOW)
    assert (report.added, report.rejected) == (1, ())
    assert {image.model for image in store.all()} == {"paint", "paint2"}


def test_nothing_valid_is_an_empty_report(paint: Paint, listed: Listed, run: Callable[..., ImportReport]) -> None:
    report = run(listed({"a": {"1.jpg": b"x"}}))
    assert (report.entries, report.images) == (0, 0)
    assert len(report.rejected) == 2


def test_a_missing_folder_and_a_model_without_chips_are_refused(
    tmp_path: Path, store: WatchlistStore, detector: Any, embedder: Any
) -> None:
    with pytest.raises(WatchlistError):
        enrol_folder(tmp_path / "nowhere", store, detector, embedder, now=NOW)
    embedder.card = embedder.card.model_copy(update={"chip": None})
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cut out"):
        enrol_folder(tmp_path / "empty", store, detector, embedder, now=NOW)


def test_large_pictures_are_not_held_together(
    store: WatchlistStore, detector: Any, embedder: Any, paint: Paint, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = listed({f"e{number}": {"1.jpg": paint((number, 1))} for number in range(1, 8)})
    monkeypatch.setattr(import_folder, "MEMORY_PIXELS", 3 * 200 * 200)
    assert enrol_folder(folder, store, detector, embedder, now=NOW).entries == 7
    assert [shape[0] for shape in detector.batches] == [3, 3, 1]


def test_the_stored_cut_out_is_of_bounded_size(
    store: WatchlistStore, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    run(listed({"a": {"1.jpg": paint((1, 1), size=1600, face=700)}}))
    assert max(read_picture(store.image("a")).shape[:2]) == STORED_PX


def test_a_vector_follows_its_own_picture(
    store: WatchlistStore, embedder: Any, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    people = {f"e{number:02}": {"1.jpg": paint((number, 12 - number))} for number in range(1, 12)}
    run(listed({**people, "bad": {"1.jpg": b"x"}}))
    for image in store.all():
        number = int(image.entry.entry_id[1:])
        alone = WatchlistStore(store.folder.parent / f"alone{number}")
        assert replace(image, imported_at=0).vector @ _vector_of(embedder, number) == pytest.approx(1.0, abs=1e-4)
        assert alone.entries() == ()


def _vector_of(embedder: Any, number: int) -> np.ndarray:
    chip = np.empty((1, 112, 112, 3), np.uint8)
    chip[:] = (number * 20, (12 - number) * 20, 250)
    return np.asarray(embedder.embed(chip)[0])
