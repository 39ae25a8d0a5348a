"""Several faces on a picture: which one is meant, said by the user; and the sheet on which one sees it."""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.enrol.contact_sheet import MAX_TILES, Look, check_sheet, write_sheet
from lfr_ray.enrol.face_option import face_options
from lfr_ray.enrol.import_folder import ImportReport, Reading, enrol_folder
from lfr_ray.errors import ConfigError
from lfr_ray.match.watchlist_entries import Entry, EntryDraft, Rejected
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Picture

NOW = 1.8e9
Paint = Callable[..., Picture]
Listed = Callable[..., Path]


@pytest.fixture
def run(store: WatchlistStore, detector: Any, embedder: Any) -> Callable[..., ImportReport]:
    def imported(folder: Path, faces: dict[str, int] | None = None, **options: Any) -> ImportReport:
        reading = Reading(faces or {}, on_look=options.pop("on_look", None))
        return enrol_folder(folder, store, detector, embedder, now=NOW, reading=reading, **options)

    return imported


@pytest.fixture
def person(store: WatchlistStore, embedder: Any) -> Callable[[str], int]:
    """Which painted person an entry's vector is of: 1 to 12."""
    chips = np.empty((12, 112, 112, 3), np.uint8)
    for number in range(12):
        chips[number] = ((number + 1) * 20, 20, 250)
    known = embedder.embed(chips)

    def which(entry_id: str) -> int:
        return int((known @ store.images(entry_id)[0].vector).argmax()) + 1

    return which


@pytest.fixture
def beside(paint: Paint) -> Picture:
    """A small face, person 2, left of a larger one, person 3."""
    picture = paint((3, 1), size=300, face=140, places=(205,))
    small = paint((2, 1), size=300, face=60, places=(70,))
    picture[:, :120] = small[:, :120]
    return picture


def test_a_clearly_larger_face_is_taken_and_it_is_said(
    beside: Picture, listed: Listed, run: Callable[..., ImportReport], person: Callable[[str], int]
) -> None:
    report = run(listed({"a": {"1.jpg": beside}, "b": {"1.jpg": np.ascontiguousarray(beside[:, :130])}}))
    assert person("a") == 3
    assert [one.file for one in report.notes] == ["a/1.jpg"]
    assert re.fullmatch(r"2 faces: took the larger, 1[34]\d px; the other is (5|6)\d px", report.notes[0].note)


def test_the_user_says_which_face(
    beside: Picture, listed: Listed, run: Callable[..., ImportReport], person: Callable[[str], int]
) -> None:
    for faces in ({"": 1}, {"a": 1}, {"a/1.jpg": 1}, {"": 2, "a": 1}, {"a": 2, "a/1.jpg": 1}):
        report = run(listed({"a": {"1.jpg": beside}}), faces)
        assert person("a") == 2, faces
        assert len(report.notes) == 1
        assert report.notes[0].note.startswith("2 faces: took number 1 from the left, as chosen, ")


def test_a_choice_for_all_leaves_pictures_with_one_face_alone_and_one_for_a_file_does_not(
    paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> None:
    folder = listed({"a": {"1.jpg": paint((1, 1))}})
    refused = run(folder, {"a/1.jpg": 2}, write=False)
    assert refused.rejected[0] == Rejected("a/1.jpg", "face 2 was chosen, but 1 face was found")
    assert run(folder, {"": 2}).entries == 1


def test_a_later_choice_replaces_what_was_imported_and_the_same_again_changes_nothing(
    store: WatchlistStore,
    beside: Picture,
    listed: Listed,
    run: Callable[..., ImportReport],
    person: Callable[[str], int],
) -> None:
    folder = listed({"a": {"1.jpg": beside}})
    run(folder)
    assert person("a") == 3
    assert run(folder, {"a": 1}).added == 1
    assert (person("a"), len(store.images("a"))) == (2, 1)
    revision = store.revision()
    again = run(folder, {"a": 1})
    assert (again.added, again.changed, again.images) == (0, 0, 1)
    assert store.revision() == revision
    # A choice that cannot be met takes the earlier one off: it is not the face that is meant.
    assert run(folder, {"a/1.jpg": 3}).entries == 0
    assert store.entries() == ()


def test_the_column_of_the_csv_says_the_same(
    beside: Picture, listed: Listed, run: Callable[..., ImportReport], person: Callable[[str], int]
) -> None:
    header = "entry_id,name,category,legal_basis,image_source,authorised_by,expires_at,action,face\n"
    for cell in ("1", "1.jpg=1"):
        run(listed({"a": {"1.jpg": beside}}, f"{header}a,A,suspect,s. 1,custody,Insp.,2030-01-01,stop,{cell}\n"))
        assert person("a") == 2


HEADER = "entry_id,name,category,legal_basis,image_source,authorised_by,expires_at,action,face,crop\n"
ROW = "a,A,suspect,s. 1,custody,Insp.,2030-01-01,stop,{},{}\n"


@pytest.mark.parametrize("cell", ["30 110 110 190", '"30,110,110,190"', "1.jpg=20 0 110 300", "1.jpg = 60 140 85 160"])
def test_a_crop_of_the_csv_says_which_part_shows_the_person(
    beside: Picture, listed: Listed, run: Callable[..., ImportReport], person: Callable[[str], int], cell: str
) -> None:
    """Also one that is drawn closely round the face, or inside it."""
    folder = listed({"a": {"1.jpg": beside}})
    run(folder)
    assert person("a") == 3
    (folder / "watchlist.csv").write_text(HEADER + ROW.format("", cell))
    report = run(folder)
    assert (report.added, report.images, report.notes, person("a")) == (1, 1, (), 2)


def test_a_crop_holds_the_faces_that_are_counted(
    beside: Picture, listed: Listed, run: Callable[..., ImportReport], person: Callable[[str], int]
) -> None:
    run(listed({"a": {"1.jpg": beside}}, HEADER + ROW.format("1", "0 0 300 300")))
    assert person("a") == 2
    assert run(listed({"a": {"1.jpg": beside}}, HEADER + ROW.format("1.jpg=2", "0 0 110 300"))).rejected[0] == Rejected(
        "a/1.jpg", "in the crop 0 0 110 300: face 2 was chosen, but 1 face was found"
    )


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("0 0 400 200", "the crop 0 0 400 200 reaches beyond the picture, which has 300 x 300 pixels"),
        ("0 0 20 20", "in the crop 0 0 20 20: no face was found"),
        ("9.jpg=0 0 20 20", "the column crop names this picture; there is none"),
        ("90 0 20 20", "crop: got '90 0 20 20', allowed LEFT TOP RIGHT BOTTOM in pixels"),
        ("1 2 3", "crop: got '1 2 3', allowed"),
        ("-1 2 3 4", "crop: got '-1 2 3 4', allowed"),
    ],
)
def test_a_crop_that_cannot_be_is_told(
    beside: Picture, listed: Listed, run: Callable[..., ImportReport], cell: str, reason: str
) -> None:
    report = run(listed({"a": {"1.jpg": beside}}, HEADER + ROW.format("", cell)))
    assert any(one.reason.startswith(reason) for one in report.rejected), report.rejected


def test_options_that_name_nothing_are_all_told() -> None:
    drafts = [EntryDraft(Entry("a", "a", "test"), (Path("list/a/1.jpg"),))]
    assert face_options(["2", "a=1", "a/1.jpg=3"], drafts) == {"": 2, "a": 1, "a/1.jpg": 3}
    with pytest.raises(ConfigError) as caught:
        face_options(["b=1", "a/2.jpg=1", "0", "left"], drafts)
    for named in ("b, which is not in the folder", "a/2.jpg, which", "0", "left"):
        assert named in caught.value.got
    assert "left to right" in caught.value.allowed


@pytest.fixture
def looked(
    beside: Picture, paint: Paint, listed: Listed, run: Callable[..., ImportReport]
) -> tuple[list[Look], ImportReport]:
    folder = listed(
        {
            "a": {"1.jpg": beside},
            "b": {"1.jpg": paint((4, 1), (5, 1), face=60)},
            "c": {"1 & 2.jpg": paint((6, 1)), "2.jpg": b"broken"},
        }
    )
    run(folder)
    looks: list[Look] = []
    # Also what was imported before is on the sheet, and counted as known.
    report = run(folder, on_look=looks.append, write=False)
    assert (report.added, report.images) == (0, 2)
    return looks, report


def test_a_page_shows_every_picture_and_is_for_its_owner_alone(
    looked: tuple[list[Look], ImportReport], tmp_path: Path
) -> None:
    looks, report = looked
    assert [(one.name, bool(one.face)) for one in looks] == [
        ("a/1.jpg", True),
        ("b/1.jpg", False),
        ("c/1 & 2.jpg", True),
    ]
    sheet = tmp_path / "sheet.html"
    sheet.write_text("older, for all to read")
    sheet.chmod(0o644)
    write_sheet(sheet, looks, report.rejected, report.notes, "today")
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    text = sheet.read_text()
    assert "personal data" in text
    assert "c/1 &amp; 2.jpg" in text
    assert report.notes[0].note in text
    assert "none is clearly the subject" in text
    assert "c/2.jpg" in text, "what cannot be read is named as well"
    assert "img-src data:" in text
    pictures = [base64.b64decode(one) for one in re.findall(r"base64,([^\"]+)", text)]
    assert len(pictures) == 5
    assert all(read_picture(one).ndim == 3 for one in pictures)


def green(picture: Picture) -> int:
    """Pixels of the colour in which chosen faces are outlined."""
    found = (picture[:, :, 1] > 150) & (picture[:, :, 0] < 90) & (picture[:, :, 2] < 140)
    return int(found.sum())


def test_one_sees_the_chosen_face(looked: tuple[list[Look], ImportReport], tmp_path: Path) -> None:
    looks, report = looked
    overview = read_picture(looks[0].overview)
    middle = overview.shape[1] // 2
    assert green(overview[:, middle - 20 :]) > 200 > 20 > green(overview[:, : middle - 20])
    assert green(read_picture(looks[1].overview)) < 20, "of no face it says that it was chosen"
    write_sheet(tmp_path / "sheet.jpg", looks, report.rejected, report.notes, "today")
    assert stat.S_IMODE((tmp_path / "sheet.jpg").stat().st_mode) == 0o600
    mosaic = read_picture(tmp_path / "sheet.jpg")
    assert green(mosaic) > 400
    assert cv2.Laplacian(mosaic[:34], cv2.CV_64F).std() > 10, "the warning stands above"


def test_a_sheet_of_another_kind_or_too_large_is_refused_before_any_work() -> None:
    for name in ("sheet.pdf", "sheet", "sheet.png"):
        with pytest.raises(ConfigError, match=r"\.html"):
            check_sheet(Path(name), 3)
    check_sheet(Path("sheet.HTML"), 100_000)
    check_sheet(Path("sheet.jpg"), MAX_TILES)
    with pytest.raises(ConfigError, match="up to"):
        check_sheet(Path("sheet.jpeg"), MAX_TILES + 1)
