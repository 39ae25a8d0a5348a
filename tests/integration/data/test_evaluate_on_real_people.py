"""`lfr evaluate` and `lfr calibrate` on real people, through the real models."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lfr_ray.cli import evaluate as command
from lfr_ray.models.card_catalogue import card as find_card

pytestmark = pytest.mark.footage

PEOPLE = 90
PAIRS = 15
"""Of each kind in each of two folds."""


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command.app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def people(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fifth person, five pictures at most, linked and never copied; one file among them is no picture."""
    root = tmp_path_factory.mktemp("people")
    taken = [one for one in sorted((shared_data / "images").iterdir()) if one.is_dir()][::5][:PEOPLE]
    for person in taken:
        (root / person.name).mkdir()
        for picture in sorted(person.iterdir())[:5]:
            os.symlink(picture, root / person.name / picture.name)
    (root / taken[0].name / "zz.jpg").write_bytes(b"no picture")
    halves = "".join(f"{one.name},{'even' if number % 2 else 'odd'}\n" for number, one in enumerate(taken))
    (root / "groups.csv").write_text("identity,half\n" + halves, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def evaluated(people: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str]:
    out = tmp_path_factory.mktemp("out") / "found.json"
    result = call("evaluate", people, "--json", out)
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text(encoding="utf-8")), out.with_suffix(".html").read_text(encoding="utf-8")


def test_the_default_models_recognise_real_people(evaluated: tuple[dict, str], people: Path) -> None:
    document, _ = evaluated
    pictures = sum(len(list(one.iterdir())) for one in people.iterdir() if one.is_dir())
    assert (document["identities"], document["images"]) == (PEOPLE, pictures)
    assert document["failure_to_acquire"]["reasons"].pop("unreadable") == 1
    assert document["failure_to_acquire"]["count"] <= 0.02 * pictures
    tar = document["verification"]["tar_at_far"]
    assert tar["0.01"]["value"] > 0.95
    assert tar["0.001"]["value"] > 0.8
    for figure in (*tar.values(), *document["identification"]["tpir_at_fpir"].values()):
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["high"] - figure["low"] > 0.005, "real data are never certain"
    assert document["identification"]["rank_one"]["value"] > 0.85
    assert {row["kind"] for row in document["card_check"]} == {"single", "fused"}
    assert all(row["within_factor_two"] for row in document["card_check"]), document["card_check"]


def test_groups_of_the_same_people_do_not_differ(evaluated: tuple[dict, str]) -> None:
    ratio = evaluated[0]["groups"]["half"]["differential"]["fnmr"]
    assert ratio["low"] <= 1.0 or ratio["value"] < 2.5


def test_nobody_is_named(evaluated: tuple[dict, str], people: Path) -> None:
    document, page = evaluated
    text = json.dumps(document) + page
    assert not [one.name for one in people.iterdir() if "_" in one.name and one.name in text]


def as_lfw(people: Path, folder: Path) -> tuple[Path, Path]:
    """The same pictures as LFW publishes its own: an archive, and a list of pairs in two folds."""
    names = [one.name for one in sorted(people.iterdir()) if one.is_dir()]
    several = [name for name in names if len(list((people / name).glob("*.jpg"))) >= 2][: 2 * PAIRS]
    with tarfile.open(folder / "lfw.tgz", "w:gz", dereference=True) as archive:
        for name in names:
            for number, picture in enumerate(sorted((people / name).iterdir()), start=1):
                archive.add(picture, f"lfw/{name}/{name}_{number:04}.jpg")
    lines = [f"2\t{PAIRS}"]
    for fold in (several[:PAIRS], several[PAIRS:]):
        lines += [f"{name}\t1\t2" for name in fold]
        lines += [f"{name}\t1\t{other}\t1" for name, other in zip(fold, reversed(names), strict=False)]
    (folder / "pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder / "lfw.tgz", folder / "pairs.txt"


def test_calibration_follows_from_the_same_people_as_lfw_publishes_them(people: Path, tmp_path: Path) -> None:
    card = tmp_path / "mine.yaml"
    archive, pairs = as_lfw(people, tmp_path)
    words = ("--pairs", pairs, "--write", card, "--json", tmp_path / "c.json", "--list-size", "200")
    result = call("calibrate", archive, *words)
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    section = document["calibration"]
    assert section["list_size"] == 200
    assert section["view_threshold"] < section["threshold"] < 1
    assert document["kinds"]["single"]["tail"]["p_value"] >= 0.01
    for row in document["held_out"]:
        assert 0.4 < row["ratio"]["median"] < 2.5
    assert document["list_of_pairs"]["pairs"] + document["list_of_pairs"]["left_out"] == 4 * PAIRS
    assert document["list_of_pairs"]["accuracy"] > 0.9
    written = find_card(str(card))
    assert written.id == "dlib_resnet"
    assert written.calibration is not None
    assert written.calibration.model_dump(mode="json", exclude_none=True) == section
