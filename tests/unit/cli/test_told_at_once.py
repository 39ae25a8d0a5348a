"""`lfr watch` and `lfr evaluate --videos` refuse what cannot work before Ray is started.

Unit tests cannot start Ray: a command that tried would fail here with another error.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import evaluate, run, watch
from lfr_ray.cli.output import report, stderr
from lfr_ray.errors import LfrError
from lfr_ray.match.watchlist_csv import COLUMNS


@pytest.fixture(autouse=True)
def _one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stderr, "_width", 2000)  # rich would break lines


def told(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The message of a command that must end with exit code 2, and write nothing on stdout."""
    app = typer.Typer()
    app.add_typer(watch.app)
    app.add_typer(evaluate.app)
    app.add_typer(run.app)
    result = CliRunner().invoke(app, [str(one) for one in words])
    assert isinstance(result.exception, LfrError), result.output
    assert result.stdout == ""
    assert report(result.exception) == 2
    return result.stderr + capsys.readouterr().err


def test_a_missing_watchlist_folder_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"")
    message = told(capsys, "watch", clip, "--watchlist", tmp_path / "nowhere", "--json", "-")
    assert "the watchlist folder does not exist" in message
    assert f"got: {tmp_path / 'nowhere'}" in message
    assert "allowed: " in message
    assert "next: " in message


def test_a_register_with_a_wrong_column_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = tmp_path / "people"
    (people / "somebody").mkdir(parents=True)
    header = ["surname" if column == "name" else column for column in COLUMNS]
    (people / "watchlist.csv").write_text(",".join(header) + "\n", encoding="utf-8")
    message = told(capsys, "watch", tmp_path / "clip.mp4", "--watchlist", people)
    assert "surname" in message
    assert "allowed: " in message
    assert "entry_id" in message


def test_recordings_that_are_all_bad_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people" / "somebody").mkdir(parents=True)
    text = tmp_path / "notes.mp4"
    text.write_text("nothing to see", encoding="utf-8")
    missing = tmp_path / "missing.mp4"
    message = told(capsys, "watch", text, missing, "--watchlist", tmp_path / "people", "--json", "-")
    assert "none of the recordings can be used" in message
    assert str(text) in message
    assert message.count(str(missing)) == 1
    assert "next: " in message


def test_two_ways_to_say_the_threshold_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people" / "somebody").mkdir(parents=True)
    words = ("--watchlist", tmp_path / "people", "--threshold", "0.96", "--false-alerts", "1")
    message = told(capsys, "watch", tmp_path / "clip.mp4", *words)
    assert "give threshold or false_alerts_per_10k_faces, not both" in message


def test_what_an_evaluation_of_videos_lacks_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people, footage = tmp_path / "people", tmp_path / "footage"
    (people / "e1").mkdir(parents=True)
    footage.mkdir()
    assert "needs a list" in told(capsys, "evaluate", footage, "--videos")
    assert "videos.csv cannot be read" in told(capsys, "evaluate", footage, "--videos", "--watchlist", people)
    (footage / "videos.csv").write_text("name\n", encoding="utf-8")
    assert "lacks a column" in told(capsys, "evaluate", footage, "--videos", "--watchlist", people)
    assert "go with --videos" in told(capsys, "evaluate", people, "--watchlist", people)


@pytest.mark.parametrize("words", [("watch", "clip.mp4"), ("evaluate", "people"), ("calibrate", "people")])
def test_a_place_that_cannot_be_written_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
) -> None:
    message = told(capsys, *words, "--json", tmp_path / "nowhere" / "result.json")
    assert "the file of --json cannot be written" in message
    assert "nothing was started" in message


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = told(
        capsys, "watch", tmp_path / "missing.mp4", "--json", tmp_path / "nowhere" / "result.json", "--model", "klingon",
        "--watchlist", tmp_path / "nobody", "--threshold", "0.9", "--false-alerts", "1",
    )  # fmt: skip
    for fault in (
        "the file of --json cannot be written",
        "the watchlist folder does not exist",
        "--threshold, --false-alerts",
        "klingon",
        "none of the recordings can be used",
    ):
        assert message.count(fault) == 1, fault


def test_a_site_file_and_a_place_that_are_both_wrong_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = told(capsys, "run", tmp_path / "nothing.yaml", "--json", tmp_path / "nowhere" / "result.json")
    assert "the file of --json cannot be written" in message
    assert "nothing.yaml" in message
