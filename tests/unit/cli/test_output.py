"""What commands share: a place to write is checked before the work, and long work says how far it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from rich.console import Console

from lfr_ray.cli import output
from lfr_ray.cli.output import check_json_target, progress
from lfr_ray.errors import ConfigError


@pytest.mark.parametrize("target", ["", "-"])
def test_stdout_and_nowhere_are_always_there(target: str) -> None:
    check_json_target(target)


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    check_json_target(str(tmp_path / "new.json"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.json").write_text("earlier")
    check_json_target(str(tmp_path / "old.json"))
    assert (tmp_path / "old.json").read_text() == "earlier"
    check_json_target("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    check_json_target(str(tmp_path / "pipe"))  # opening it would wait for a reader


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target, said in (
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "a.json", "does not exist"),
        (tmp_path / "file" / "a.json", "does not exist"),
        (tmp_path / ("x" * 300), "too long"),
        ("/proc/nobody.json", ""),
        ("a\0b", "no path"),
    ):
        with pytest.raises(ConfigError) as caught:
            check_json_target(str(target), "--report")
        assert said in caught.value.got
        assert "--report" in caught.value.what
        assert "nothing was started" in caught.value.next_step


def test_a_recording_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "gate.mp4").write_bytes(b"\0\0\0 ftyp")
    with pytest.raises(ConfigError, match="no JSON, perhaps a recording"):
        check_json_target(str(tmp_path / "gate.mp4"))
    assert (tmp_path / "gate.mp4").read_bytes() == b"\0\0\0 ftyp"
    (tmp_path / "result").write_text("{}")
    check_json_target(str(tmp_path / "result"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="ermission"):
        check_json_target(str(tmp_path / "a.json"))


class Lines:
    """A stream that is no terminal, and says when a line has come."""

    def __init__(self) -> None:
        self.text = ""
        self.came = threading.Event()

    def write(self, text: str) -> int:
        self.text += text
        if "\n" in text:
            self.came.set()
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def next(self) -> str:
        """The last line after another one has come."""
        self.came.clear()
        assert self.came.wait(10)
        return self.text.splitlines()[-1]


def test_without_a_terminal_a_line_comes_again_and_again_also_when_nothing_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = Lines()
    monkeypatch.setattr(output, "stderr", Console(file=lines, width=20))  # type: ignore[arg-type]
    with progress("enrolling", "entries", line_s=0.01) as step:
        assert lines.next().startswith("enrolling: begun, ")
        step(64, 640, "9.1 [pictures]/s")
        lines.next()
        assert lines.next().startswith("enrolling: 64 of 640 entries (10 %), 9.1 [pictures]/s, ")
        lines.next()
    before = lines.text
    assert threading.active_count() == len(threading.enumerate())
    assert not [one for one in threading.enumerate() if one.name == "progress"]
    assert lines.text == before


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines()
    monkeypatch.setattr(output, "stderr", Console(file=lines, force_terminal=True))  # type: ignore[arg-type]
    with progress("enrolling", "entries") as step:
        step(3, 4, "")
        assert not [one for one in threading.enumerate() if one.name == "progress"]
    assert "3 of 4 entries" in lines.text


def test_ten_seconds() -> None:
    assert output.LINE_S == 10.0
