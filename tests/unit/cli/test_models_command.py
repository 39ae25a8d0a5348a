"""`lfr models` as a program sees it: JSON, tables and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from lfr_ray.cli import models
from lfr_ray.errors import ConfigError, LfrError, ModelError, NotFoundError
from lfr_ray.models.card_catalogue import card, cards
from lfr_ray.models.weight_files import find_weights


def call(*arguments: str) -> Result:
    app = typer.Typer()
    app.add_typer(models.app)
    app.command("other")(lambda: None)  # with two commands typer keeps the group's name
    return CliRunner().invoke(app, ["models", *arguments])


def answer(*arguments: str) -> Any:
    result = call(*arguments, "--json", "-")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def error_of(*arguments: str) -> LfrError:
    result = call(*arguments)
    assert isinstance(result.exception, LfrError)
    return result.exception


def test_list_has_every_card_and_where_its_file_is() -> None:
    rows = {row["id"]: row for row in answer("list")["models"]}
    assert set(rows) == {known.id for known in cards()}
    assert rows["centerface"]["file"] == str(find_weights(card("centerface")))
    assert rows["centerface"]["licence"] == "MIT"
    table = call("list").stdout
    assert "dlib_resnet" in table
    assert "7.3" in table
    assert " 0.0 " not in table
    assert "│ stated" in table


def test_card_says_everything() -> None:
    document = answer("card", "dlib_resnet")
    runs_here = document.pop("runs_here")
    assert document == card("dlib_resnet").model_dump(mode="json")
    assert runs_here in ("cpu, OpenVINO, float32", "cpu, OpenVINO, bfloat16", "cuda, torch, float16")
    assert answer("card", "occlusion_hog")["runs_here"] == "cpu, numpy, float32"
    assert answer("card", "scrfd_10g")["runs_here"].startswith("not here: ")
    assert "calibration.threshold" in call("card", "dlib_resnet").stdout


def test_verify_reads_the_files() -> None:
    rows = answer("verify", "centerface", "dlib_resnet")["models"]
    assert [row["state"] for row in rows] == ["verified", "verified"]
    assert "verified" in call("verify").stdout


def test_verify_run_times_the_model() -> None:
    (row,) = answer("verify", "dlib_resnet", "--run", "--device", "cpu")["models"]
    assert "ms a picture" in row["self_test"]


def test_verify_refuses_a_model_without_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path))
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{id: mine, task: embed, family: dlib_resnet, title: t, licence: l, commercial_use: true, origin: o, "
        f"file: mine.dat, sha256: '{'0' * 64}'}}"
    )
    assert "missing" in str(error_of("verify", str(path)))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.dat").write_bytes(b"something else")
    error = error_of("verify", str(path), "centerface")
    assert isinstance(error, ModelError)
    assert error.exit_code == 1
    assert "1 of 2" in error.what
    assert "0" * 64 in error.got


def test_unknown_models_and_cards_without_address() -> None:
    assert isinstance(error_of("card", "nobody"), NotFoundError)
    assert isinstance(error_of("verify", "nobody"), NotFoundError)
    assert error_of("card", "nobody").exit_code == 2


def test_pull_of_a_file_that_is_there(tmp_path: Path) -> None:
    described = card("centerface")
    (tmp_path / "centerface.onnx").write_bytes(find_weights(described).read_bytes())
    assert answer("pull", "centerface", "--to", str(tmp_path))["file"] == str(tmp_path / "centerface.onnx")


def test_pull_fetches_nothing_that_an_installed_package_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path))
    for carried in ("centerface", "occlusion_hog"):
        assert answer("pull", carried)["file"] == str(find_weights(card(carried)))
    assert list(tmp_path.iterdir()) == []


def test_pull_of_a_card_without_address(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("{id: mine, task: embed, family: f, title: t, licence: l, commercial_use: true, origin: o}")
    assert isinstance(error_of("pull", str(path)), ConfigError)


def test_add_finds_the_card_by_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path / "models"))
    carried = tmp_path / "from a stick.dat"
    carried.write_bytes(find_weights(card("centerface")).read_bytes())
    row = answer("add", str(carried))
    assert row["id"] == "centerface"
    assert row["file"] == str(tmp_path / "models" / "centerface" / "centerface.onnx")
    assert Path(row["file"]).read_bytes() == carried.read_bytes()
    assert "centerface" in call("add", str(carried)).stdout


def test_add_refuses_what_no_card_describes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path / "models"))
    half = tmp_path / "half.onnx"
    half.write_bytes(find_weights(card("centerface")).read_bytes()[:1000])
    error = error_of("add", str(half))
    assert "no model card describes this file" in error.what
    assert "1000 bytes" in error.got
    assert "incomplete" in error.next_step
    for unreadable in (tmp_path / "nothing", tmp_path):
        error = error_of("add", str(unreadable))
        assert (error.what, error.exit_code) == ("a weight file cannot be read", 2)
    assert not (tmp_path / "models").exists()


def test_pull_optional_goes_on_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{id: mine, task: embed, family: f, title: t, licence: l, commercial_use: true, origin: o, file: m.tflite, "
        f"sources: ['npm:some-app@1.0.2#package/m.tflite'], size_bytes: 9, sha256: '{'0' * 64}'}}"
    )
    assert error_of("pull", str(path), "--to", str(tmp_path / "to")).what == "npm is not installed"
    result = call("pull", str(path), "--to", str(tmp_path / "to"), "--optional")
    assert result.exit_code == 0
    assert result.stdout == ""
    (line,) = filter(str.strip, result.stderr.splitlines())  # beside it only what the bar leaves
    assert line.startswith("going on without the model mine: ")
    assert "later: lfr models pull mine" in line


@pytest.mark.parametrize("command", ["list", "card", "verify", "pull", "add"])
def test_every_command_has_help(command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
