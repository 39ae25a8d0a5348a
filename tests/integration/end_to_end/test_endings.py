"""Signals, second signals, and crashes: a command ends as it says, and leaves neither process nor file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.processes import Command, command, eventually

pytestmark = pytest.mark.timeout(600)

AT_ONCE_S = 5.0
"""Far below what the scripts would take otherwise, also on a machine that does many other things at once."""

STARTS_A_PROCESS = """
import ctypes, subprocess, sys, time
from lfr_ray.cli import signals
with signals.in_order() as ending:
    (ending.folder / "face.jpg").write_bytes(b"face")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print(child.pid, ending.folder, file=sys.stderr, flush=True)
    {body}
"""
WAITS = "time.sleep(600)"
SAYS_AND_HANGS = """
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        print("stopping", file=sys.stderr, flush=True)
        ctypes.CDLL(None).sleep(600)  # where no Python handler can run
"""


class Script:
    """A command that has started a process of its own and written a picture."""

    def __init__(self, started: Command) -> None:
        self.started = started
        child, folder = started.said(r"(\d+) (/\S+)", 60).groups()
        self.child, self.folder = int(child), Path(folder)

    def assert_nothing_is_left(self) -> None:
        assert not self.folder.exists()
        eventually(lambda: not Path(f"/proc/{self.child}").exists(), AT_ONCE_S)


def script(body: str) -> tuple[str, str, str]:
    return "python", "-c", STARTS_A_PROCESS.format(body=body)


@pytest.fixture
def temporary(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "temporary").mkdir()
    return {"TMPDIR": str(tmp_path / "temporary"), "RAY_TMPDIR": str(tmp_path)}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda one: str(one)
)
def test_a_signal_ends_in_order(tmp_path: Path, temporary: dict[str, str], number: signal.Signals, code: int) -> None:
    with command(tmp_path, *script(WAITS), environment=temporary) as started:
        running = Script(started)
        assert started.end(number, 60) < AT_ONCE_S
        assert started.wait(0) == code
        assert "stopped" in started.stderr
        running.assert_nothing_is_left()


def test_a_second_signal_ends_at_once_whatever_hangs(tmp_path: Path, temporary: dict[str, str]) -> None:
    with command(tmp_path, *script(SAYS_AND_HANGS), environment=temporary) as started:
        running = Script(started)
        os.kill(started.pid, signal.SIGINT)
        started.said("stopping", 60)
        time.sleep(1.0)
        assert started.running
        assert started.end(signal.SIGTERM, 60) < AT_ONCE_S
        assert started.wait(0) == 130, "the first signal says why"
        running.assert_nothing_is_left()


def test_an_end_in_order_that_hangs_is_cut_off(tmp_path: Path, temporary: dict[str, str]) -> None:
    with command(tmp_path, *script(SAYS_AND_HANGS), environment=temporary) as started:
        running = Script(started)
        assert 6.0 < started.end(signal.SIGTERM, 60) < 10.0 + AT_ONCE_S
        assert started.wait(0) == 143
        running.assert_nothing_is_left()


def test_what_a_crash_left_is_erased_at_the_next_start_and_nothing_else(
    tmp_path: Path, temporary: dict[str, str]
) -> None:
    with (
        command(tmp_path, *script(WAITS), environment=temporary) as crashing,
        command(tmp_path, *script(WAITS), environment=temporary) as living,
    ):
        crashed, other = Script(crashing), Script(living)
        os.kill(crashing.pid, signal.SIGKILL)
        crashing.wait(60)
        assert (crashed.folder / "face.jpg").exists()
        assert Path(f"/proc/{crashed.child}").exists()
        foreign = crashed.folder.with_name("lfr-command-of-another-kind")
        foreign.mkdir()
        with command(tmp_path, *script("pass"), environment=temporary) as following:
            assert following.wait(60) == 0, following.stderr
        crashed.assert_nothing_is_left()
        assert (other.folder / "face.jpg").exists()
        assert Path(f"/proc/{other.child}").exists()
        assert foreign.exists()


@pytest.mark.footage
def test_watching_leaves_what_was_found_so_far(tmp_path: Path, temporary: dict[str, str], shared_data: Path) -> None:
    """One recording many times over: nobody has seen them all when the signal comes."""
    shutil.copytree(shared_data / "images" / "Lin_Manuel_Miranda", tmp_path / "people" / "Lin_Manuel_Miranda")
    (tmp_path / "clips").mkdir()
    for copy in range(40):
        (tmp_path / "clips" / f"clip-{copy:02}.mp4").symlink_to(shared_data / "videos" / "hamilton.mp4")
    words = ("lfr", "watch", tmp_path / "clips", "--watchlist", tmp_path / "people", "--json", tmp_path / "found.json")
    with command(tmp_path, *words, environment=temporary) as started:
        started.said(r"watching: [1-9]")
        assert started.end(signal.SIGHUP, 60) < 10.0
        assert started.wait(0) == 129, started.stderr
        assert started.left() == {}
        assert "Traceback" not in started.stderr
        assert "Summary" in started.stdout
    assert list(Path(temporary["TMPDIR"]).iterdir()) == []
    document = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert document["incomplete"] is True
    frames = [one["frames"] for one in document["sources"]]
    assert 0 < sum(frames) < 40 * 275
