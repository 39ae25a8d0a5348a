"""`lfr evaluate` and `lfr calibrate` as a program sees them: one JSON document, exit codes, clear refusals."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest
import yaml
from typer.testing import CliRunner, Result

from lfr_ray.cli import evaluate as command
from lfr_ray.cli.output import report
from lfr_ray.errors import InputError, LfrError


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command.app, [str(one) for one in arguments])


def refusal(*arguments: str | Path) -> LfrError:
    result = call(*arguments)
    assert isinstance(result.exception, LfrError), result.output
    return result.exception


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("people")
    spec = find_spec("ultralytics")
    assert spec is not None
    touchline = cv2.imread(str(Path(spec.submodule_search_locations[0]) / "assets/zidane.jpg"))
    for name, picture in {"left": touchline[180:500, 460:760], "right": touchline[20:380, 850:1130]}.items():
        (root / name).mkdir()
        for number, scale in enumerate((1.0, 0.8, 0.6)):
            cv2.imwrite(str(root / name / f"{number}.jpg"), cv2.resize(picture, None, fx=scale, fy=scale))
    return root


def test_json_on_stdout_and_nothing_else(people: Path) -> None:
    result = call("evaluate", people, "--device", "cpu", "--json", "-")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["model"], document["identities"], document["images"]) == ("dlib_resnet", 2, 6)
    assert document["verification"]["genuine"] == 6
    assert document["verification"]["impostor"] == 9
    assert document["identification"]["enrolled"] == 1
    assert "left" not in json.dumps(document)


def test_a_table_for_people_and_the_page_beside_the_json(people: Path, tmp_path: Path) -> None:
    result = call("evaluate", people, "--device", "cpu", "--json", tmp_path / "found.json")
    assert result.exit_code == 0, result.output
    assert "TAR at FAR 0.001" in result.stdout
    assert json.loads((tmp_path / "found.json").read_text())["schema"] == "lfr-evaluation/1"
    assert (tmp_path / "found.html").read_text().startswith("<!doctype html>")


def test_the_page_alone(people: Path, tmp_path: Path) -> None:
    assert call("evaluate", people, "--device", "cpu", "--html", tmp_path / "page.html").exit_code == 0
    assert (tmp_path / "page.html").exists()


def made(root: Path, people: dict[str, int]) -> Path:
    for name, pictures in people.items():
        (root / name).mkdir(parents=True)
        for number in range(pictures):
            (root / name / f"{number}.jpg").write_bytes(b"x")
    return root


@pytest.mark.parametrize("name", ["evaluate", "calibrate"])
@pytest.mark.parametrize(
    ("pictures", "says"),
    [
        (None, "does not exist"),
        ({}, "holds no pictures"),
        ({"a": 0}, "holds no pictures"),
        ({"a": 5}, "several identities"),
        ({"a": 1, "b": 1}, "single picture"),
    ],
)
def test_bad_folders_are_refused_before_any_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, pictures: dict[str, int] | None, says: str
) -> None:
    monkeypatch.setitem(sys.modules, "lfr_ray.models.load_from_card", None)
    folder = tmp_path / "people"
    if pictures is not None:
        folder.mkdir()
        made(folder, pictures)
    error = refusal(name, folder)
    assert says in error.what
    assert error.allowed
    assert error.next_step
    assert report(error) == 2


def test_pictures_that_cannot_be_read_are_counted_and_then_too_few(tmp_path: Path) -> None:
    error = refusal("evaluate", made(tmp_path, {"a": 2, "b": 2}), "--device", "cpu")
    assert "too few pictures with a usable face" in error.what
    assert error.got == "0 of 4 pictures"
    assert report(error) == 2


def test_calibration_needs_many_people(people: Path) -> None:
    error = refusal("calibrate", people, "--device", "cpu")
    assert isinstance(error, InputError)
    assert "too few impostor pairs" in error.what


def test_another_model_s_card_is_not_overwritten(people: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    text = yaml.safe_dump(
        {
            "id": "other",
            "task": "embed",
            "family": "dlib_resnet",
            "title": "x",
            "licence": "x",
            "commercial_use": None,
            "origin": "x",
        }
    )
    other.write_text(text)
    error = refusal("calibrate", people, "--write", other)
    assert "another model" in error.what
    assert other.read_text() == text


def test_an_unknown_model_is_refused(people: Path) -> None:
    assert "no model card" in refusal("evaluate", people, "--model", "nobody").what
