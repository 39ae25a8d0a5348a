"""Commands as people start them, followed to the last process that they started."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lfr_ray.actors.second_start import GAVE_UP

MARK = "LFR_TEST_MARK"
START_S = 420.0
"""Ray, models and a watchlist, on a machine that does many other things at once."""

RUNS = "Ray runtime started"

T = TypeVar("T")


class Command:
    """One command in a session of its own, its output in files.

    What it starts stays in its session or, detached, inherits its mark, so that what is left can be found.

    Args:
        folder: Where its output, its temporary files and, below a short link, Ray's files go.
        words: The command, by its name in this environment, and its arguments.
        environment: Variables beside those of this process.
        cwd: Where it is started.
    """

    def __init__(
        self, folder: Path, *words: object, environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        name, *arguments = map(str, words)
        self.mark = secrets.token_hex(8)
        folder.mkdir(parents=True, exist_ok=True)
        self._stdout, self._stderr = folder / f"stdout-{self.mark}", folder / f"stderr-{self.mark}"
        self.began_s = time.monotonic()
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                # Rich breaks lines at the terminal's width.
                env={**os.environ, "COLUMNS": "2000", **(environment or {}), MARK: self.mark},
                start_new_session=True,
                # A test run in the background ignores interrupts, and its children would too.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def pid(self) -> int:
        """The command's own process."""
        return self._process.pid

    @property
    def stdout(self) -> str:
        """What it wrote to stdout so far."""
        return self._stdout.read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """What it wrote to stderr so far."""
        return self._stderr.read_text(encoding="utf-8")

    @property
    def running(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def said(self, pattern: str, limit_s: float = START_S) -> re.Match[str]:
        """Wait until stderr holds this; fails when the command ends before."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.stderr)
            assert found or self.running, f"ended with {self._process.returncode}: {self.stderr[-3000:]}"
            return found

        return eventually(look, limit_s, lambda: self.stderr[-3000:])

    def end(self, number: signal.Signals, limit_s: float) -> float:
        """Signal the whole group, as a terminal does, and wait.

        Returns:
            Seconds until the command had ended.
        """
        began_s = time.monotonic()
        os.killpg(self._process.pid, number)
        self.wait(limit_s)
        return time.monotonic() - began_s

    def wait(self, limit_s: float = START_S) -> int:
        """Its exit code."""
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {limit_s:g} s: {self.stderr[-3000:]}") from None

    def left(self, limit_s: float = 15.0) -> dict[int, str]:
        """Processes that outlive it for so long, by id; best empty."""
        until_s = time.monotonic() + limit_s
        while (found := self.living()) and time.monotonic() < until_s:
            time.sleep(0.25)
        return found

    def living(self) -> dict[int, str]:
        """Its processes, itself among them: their command lines by id."""
        return _processes(self._process.pid, f"{MARK}={self.mark}".encode())

    def kill(self) -> None:
        """End it and all that it started, whatever state they are in."""
        for _ in range(20):
            found = self.living()
            if not found:
                break
            for pid in found:
                _kill(pid)
            self._process.poll()
            time.sleep(0.25)
        self._process.wait(5)


@contextmanager
def command(folder: Path, *words: object, **options: Any) -> Iterator[Command]:
    """A command that leaves nothing running, whatever happens to the test."""
    started = Command(folder, *words, **options)
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def ray_node(folder: Path, *words: object, again: bool = True, **options: Any) -> Iterator[Command]:
    """A node that `ray start --block` has started; on a busy machine Ray gives up after 30 s, and is started again."""
    with command(folder, *words, **options) as node:
        eventually(lambda: RUNS in node.stdout or not node.running, START_S, lambda: node.stdout + node.stderr)
        if node.running:
            yield node
            return
        assert again, node.stdout + node.stderr
        assert GAVE_UP in node.stdout + node.stderr, node.stdout + node.stderr
    with ray_node(folder, *words, again=False, **options) as node:
        yield node


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder for Ray: names of its sockets may have a hundred characters, which pytest's folders use up."""
    folder = Path(tempfile.mkdtemp(prefix="lfr-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def eventually(look: Callable[[], T | None], limit_s: float, tell: Callable[[], object] = lambda: "") -> T:
    """Wait until a look gives something; an error of the look itself ends the wait."""
    until_s = time.monotonic() + limit_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until_s, f"not within {limit_s:g} s: {tell()}"
        time.sleep(0.2)


def listens(port: int) -> bool:
    """Somebody answers on this port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(2.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _processes(session: int, mark: bytes) -> dict[int, str]:
    """Living processes of a session or with a mark in their environment, which a changed title may overwrite."""
    found = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            state, _, _, own_session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
            if state == "Z" or (int(own_session) != session and mark not in (place / "environ").read_bytes()):
                continue
            found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
        except OSError:  # gone meanwhile, or somebody else's
            continue
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
