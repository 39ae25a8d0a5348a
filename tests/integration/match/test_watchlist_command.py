"""`lfr watchlist` as people and programs use it, with the real models on pictures that installed packages carry."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from lfr_ray.cli import watchlist as command
from lfr_ray.errors import LfrError, NotFoundError, RefusedError, WatchlistError
from lfr_ray.match.watchlist_csv import COLUMNS
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore

Make = Callable[..., EnrolledImage]


def call(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.add_typer(command.app)
    return CliRunner().invoke(app, ["watchlist", *(str(one) for one in arguments)])


def document(*arguments: str | Path, code: int = 0) -> dict[str, object]:
    result = call(*arguments, "--json", "-")
    assert result.exit_code == code, f"{result.output} {result.exception!r}"
    found: dict[str, object] = json.loads(result.stdout)
    return found


def refusal(*arguments: str | Path) -> LfrError:
    result = call(*arguments)
    assert isinstance(result.exception, LfrError), result.output
    return result.exception


def ledger(data: Path) -> list[dict[str, object]]:
    lines = (data / "ledger.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] != "seal"]


def shipped(package: str, name: str) -> np.ndarray:
    """A picture that an installed package carries."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return np.asarray(cv2.imread(str(Path(spec.submodule_search_locations[0]) / name)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    touchline = shipped("ultralytics", "assets/zidane.jpg")
    people = {"astronaut": shipped("skimage", "data/astronaut.png"), "right": touchline[20:380, 850:1130]}
    for name, picture in people.items():
        (tmp_path / "list" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "list" / name / "1.jpg"), picture)
    (tmp_path / "list" / "right" / "empty.jpg").write_bytes(b"")
    for name, picture in {"both": touchline, "turned": touchline[180:500, 460:760]}.items():
        (tmp_path / "list" / name).mkdir()
        cv2.imwrite(str(tmp_path / "list" / name / "1.jpg"), picture)
    return tmp_path / "list"


def test_import_check_and_what_is_said_of_it(tmp_path: Path, folder: Path) -> None:
    data, rejections = tmp_path / "data", tmp_path / "rejections.csv"
    checked = document("check", folder, "--data", data, "--device", "cpu")
    assert not (data / "watchlist").exists()
    done = document("import", folder, "--data", data, "--device", "cpu", "--by", "a1", "--rejections", rejections)
    assert {name: done[name] for name in checked} == checked
    assert (done["entries"], done["images"], done["added"], done["removed"]) == (2, 2, 2, 0)
    said = {one["file"]: one["reason"] for one in done["rejected"]}  # type: ignore[attr-defined]
    assert "empty" in said["right/empty.jpg"]
    assert said["turned/1.jpg"] == "the face is below the enrolment floor: turned"
    assert "none is clearly the subject" in said["both/1.jpg"]
    with rejections.open(newline="") as stream:
        assert {row["file"]: row["reason"] for row in csv.DictReader(stream)} == said
    again = document("import", folder, "--data", data, "--device", "cpu", "--by", "a1")
    assert (again["entries"], again["added"], again["hash"]) == (2, 0, done["hash"])
    records = ledger(data)
    assert [(one["kind"], one["actor"]) for one in records] == [("collection", "typed:a1")] * 2
    assert records[0]["facts"]["watchlist_sha256"] == done["hash"]  # type: ignore[index]


def test_a_target_beside_a_larger_stranger(tmp_path: Path) -> None:
    """The demo's people composed: whoever is taken, it is said, and where nobody is clear, nobody is taken."""
    stranger = shipped("skimage", "data/astronaut.png")[0:260, 90:350]
    large = shipped("ultralytics", "assets/zidane.jpg")[20:380, 850:1130]
    target = cv2.resize(large, None, fx=0.42, fy=0.42, interpolation=cv2.INTER_AREA)
    stranger = cv2.resize(stranger, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC)
    aside = np.full((480, 720, 3), 120, np.uint8)
    aside[30:446, 20:436] = stranger
    centred = np.full((480, 900, 3), 120, np.uint8)
    centred[30:446, 470:886] = stranger
    height, width = target.shape[:2]
    aside[200 : 200 + height, 560 : 560 + width] = target
    centred[180 : 180 + height, 330 : 330 + width] = target
    alike = np.full((480, 900, 3), 120, np.uint8)
    alike[30:446, 20:436] = stranger
    alike[60:420, 540:820] = large
    for name, picture in {"aside": aside, "centred": centred, "alike": alike}.items():
        (tmp_path / "list" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "list" / name / "1.jpg"), picture)
    where = (tmp_path / "list", "--data", tmp_path / "data", "--device", "cpu", "--allow-same-person")
    sheet = tmp_path / "sheet.html"
    found = document("check", *where, "--contact-sheet", sheet)
    refused = {one["file"]: one["reason"] for one in found["rejected"]}  # type: ignore[attr-defined]
    assert {"centred/1.jpg", "alike/1.jpg"} <= refused.keys()
    assert "left to right 1: " in refused["alike/1.jpg"]
    (note,) = found["notes"]  # type: ignore[misc]
    assert note["file"] == "aside/1.jpg"  # type: ignore[index]
    assert note["note"].startswith("2 faces: took the larger, ")  # type: ignore[index]
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert sheet.read_text().count("base64,") == 4
    table = call("check", *where)
    assert "took the larger" in " ".join(table.stdout.split())
    choices = ("--face", "aside=2", "--face", "centred=1", "--face", "alike/1.jpg=2", "--by", "a1")
    done = document("import", *where, *choices)
    assert done["entries"] == 3
    vectors = {row.entry.entry_id: row.vector for row in WatchlistStore(tmp_path / "data" / "watchlist").vectors()}
    assert vectors["aside"] @ vectors["alike"] > 0.9, "the target each time"
    assert vectors["aside"] @ vectors["centred"] > 0.9


def test_what_cannot_be_written_is_said_before_the_models_are_loaded(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lfr_ray.detect import detector_families

    def load(*args: object, **kwargs: object) -> None:
        raise AssertionError("the detector was loaded")

    monkeypatch.setattr(detector_families, "load_detector", load)
    nowhere = tmp_path / "nowhere"
    for option, value in (
        ("--json", nowhere / "a.json"),
        ("--json", tmp_path),
        ("--contact-sheet", nowhere / "a.html"),
        ("--contact-sheet", tmp_path / "a.pdf"),
        ("--face", "nobody=1"),
        ("--rejections", nowhere / "a.csv"),
    ):
        assert refusal("check", folder, "--data", tmp_path / "data", option, value).exit_code == 2, option


def test_nothing_valid_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "list" / "e1").mkdir(parents=True)
    (tmp_path / "list" / "e1" / "1.jpg").write_bytes(b"no picture")
    result = call("import", tmp_path / "list", "--data", tmp_path / "data", "--device", "cpu")
    assert result.exit_code == 2
    assert "e1/1.jpg" in result.stderr
    assert "nothing in the folder could be used" in result.stderr
    assert document("check", tmp_path / "list", "--data", tmp_path / "data", "--device", "cpu", code=2)["entries"] == 0


def test_a_broken_folder_is_refused_before_the_models_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lfr_ray.detect import detector_families

    def load(*args: object, **kwargs: object) -> None:
        raise AssertionError("the detector was loaded")

    monkeypatch.setattr(detector_families, "load_detector", load)
    assert isinstance(refusal("import", tmp_path / "nowhere", "--data", tmp_path), WatchlistError)
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "watchlist.csv").write_text(",".join(COLUMNS).replace("action", "deed"))
    error = refusal("import", tmp_path / "list", "--data", tmp_path)
    assert error.exit_code == 2
    assert "unknown 'deed'" in error.got


@pytest.fixture
def data(tmp_path: Path, make_image: Make) -> Path:
    store = WatchlistStore(tmp_path / "data" / "watchlist")
    store.put([make_image(number, model="dlib_resnet", imported_by="a1") for number in range(3)])
    store.put([make_image(1, 1, model="dlib_resnet", imported_by="a1")])
    return tmp_path / "data"


def test_list_show_and_the_consultation_is_recorded(data: Path, make_image: Make, tmp_path: Path) -> None:
    listed = document("list", "--data", data, "--by", "a2", "--reason", "briefing")
    assert [row["entry_id"] for row in listed["entries"]] == ["e0000", "e0001", "e0002"]  # type: ignore[attr-defined]
    assert listed["images"] == 4
    assert listed["approved_by"] is None
    shown = document("show", "e0001", "--data", data, "--by", "a2", "--picture", tmp_path / "face.jpg")
    assert shown["name"] == "Firstname0001 Lastname"
    assert shown["expires_at"] == "2033-05-18T03:33:20.000Z"
    assert len(shown["pictures"]) == 2  # type: ignore[arg-type]
    assert (tmp_path / "face.jpg").read_bytes() == make_image(1, 1).jpeg
    assert call("show", "e0001", "--data", data).exit_code == 0
    records = ledger(data)
    assert {one["kind"] for one in records} == {"consultation"}
    assert [(one["subject"], one["reason"]) for one in records[:2]] == [("", "briefing"), ("e0001", "not stated")]
    assert "Lastname" not in (data / "ledger.jsonl").read_text()
    assert isinstance(refusal("show", "nobody", "--data", data), NotFoundError)


def test_remove_erases(data: Path, make_image: Make) -> None:
    done = document("remove", "e0001", "e0001", "--data", data, "--by", "a2", "--reason", "no longer wanted")
    assert done["removed"] == ["e0001"]
    assert [row["entry_id"] for row in document("list", "--data", data)["entries"]] == ["e0000", "e0002"]  # type: ignore[attr-defined]
    pixels = make_image(1).jpeg[100:164]
    assert not [path for path in data.rglob("*") if path.is_file() and pixels in path.read_bytes()]
    record = ledger(data)[0]
    assert (record["kind"], record["subject"], record["actor"]) == ("erasure", "e0001", "typed:a2")
    assert isinstance(refusal("remove", "e0001", "--data", data), NotFoundError)


def test_approval_takes_a_second_person(data: Path, make_image: Make) -> None:
    assert isinstance(refusal("approve", "--data", data, "--by", "a1"), RefusedError)
    approved = document("approve", "--data", data, "--by", "b7")
    assert approved["approved_by"] == "typed:b7"
    report = document("report", "--data", data)
    assert (report["hash"], report["approved_by"]) == (approved["hash"], "typed:b7")
    WatchlistStore(data / "watchlist").put([make_image(9, model="dlib_resnet")])
    assert document("report", "--data", data)["approved_by"] is None
    assert [one["what"] for one in ledger(data)] == ["watchlist approved"]


def test_report_for_people(data: Path) -> None:
    result = call("report", "--data", data)
    assert result.exit_code == 0
    for said in ("category suspect", "source custody", "entries", "approved by"):
        assert said in result.stdout


def test_an_empty_list_is_shown_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "data" / "keys").mkdir(parents=True)  # a site's, which has no list yet
    assert document("list", "--data", tmp_path / "data")["entries"] == []
    assert document("report", "--data", tmp_path / "data")["entries"] == 0
    assert [one.name for one in (tmp_path / "data").iterdir()] == ["keys"]
