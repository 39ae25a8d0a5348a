"""How a command ends: in order at the first signal, at once at the second; and what a crash left is erased.

A command's temporary files lie in one folder, which it holds locked while it lives, and all that it starts bears that
folder's name in its environment. Whoever finds a folder that nobody holds may so erase it, with every process that is
left of it, and touches nobody else's.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from lfr_ray.cli.output import report, stderr
from lfr_ray.data_dir import COMMAND_PREFIX
from lfr_ray.durable_files import locked
from lfr_ray.errors import LfrError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ORDER_S = 7.0
"""So long an end in order may take; then it is ended like by a second signal."""

ONE_S = 0.3
"""Signals in so short a time are one: some senders signal the process, and then its group."""

OWNER = "LFR_COMMAND_FOLDER"
"""Environment variable of all that a command starts."""

LOCK = "owner"


class Ending:
    """The end that a signal asks for; see :func:`in_order`.

    Attributes:
        folder: For temporary files; erased at the end, whatever that is.
        number: The first signal, or 0.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0
        self._only_noted = False

    @contextmanager
    def noted(self) -> Iterator[Ending]:
        """In this block the first signal interrupts nothing: the block looks at :attr:`number` by itself."""
        self._only_noted = True
        try:
            yield self
        finally:
            self._only_noted = False

    def on_signal(self, number: int, _frame: object) -> None:
        """In the main thread: the first signal interrupts, and nothing interrupts the end that follows."""
        if not self.number:
            self.number = number
            _forget_lost_terminal()
            if not self._only_noted:
                raise KeyboardInterrupt

    def watch(self, received: int) -> None:
        """In a thread of its own, whatever the main one is doing: end at once, when that is due."""
        while (first := os.read(received, 1)) and first[0] not in SIGNALS:
            pass
        until_s = time.monotonic() + ORDER_S
        if not first:
            return
        time.sleep(ONE_S)
        while select.select([received], [], [], 0)[0] and os.read(received, 1):
            pass
        select.select([received], [], [], max(0.0, until_s - time.monotonic()))
        self.number = first[0]
        self.leave("ended at once")

    def leave(self, words: str) -> None:
        """Leave nothing, and end this process without what libraries would still do."""
        stderr.print(words)
        sys.stdout.flush()
        _erase(self.folder)
        os._exit(128 + self.number)


@contextmanager
def in_order() -> Iterator[Ending]:
    """A command that starts things: in this block SIGINT, SIGTERM and SIGHUP raise ``KeyboardInterrupt``, once.

    After a signal the process ends here: 130, 143 or 129. A second signal, or an end that takes too long, ends it at
    once. In each case no process and no temporary file is left.

    Yields:
        What the block may ask.
    """
    _erase_what_crashes_left()
    folder = Path(tempfile.mkdtemp(prefix=COMMAND_PREFIX))
    draft = folder / f".{LOCK}"
    with locked(draft), _environment({OWNER: str(folder), **_temporary(folder)}):
        draft.rename(folder / LOCK)  # nobody ever sees it without its lock
        ending = Ending(folder)
        try:
            with _signals(ending):
                try:
                    yield ending
                except LfrError as error:
                    if not ending.number:
                        raise
                    report(error)
                except (Exception, KeyboardInterrupt) as error:
                    if not ending.number:
                        raise
                    if not isinstance(error, KeyboardInterrupt):
                        stderr.print(f"while it was being ended: {type(error).__name__}")
                if ending.number:
                    ending.leave("stopped")
        finally:
            _erase(folder)


@contextmanager
def _signals(ending: Ending) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # somebody else's process
        return
    received, written = os.pipe()
    os.set_blocking(written, False)
    before = [signal.signal(number, ending.on_signal) for number in SIGNALS]
    woken = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    watcher = threading.Thread(target=ending.watch, args=(received,), name="signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        os.close(written)
        watcher.join()
        os.close(received)


def _forget_lost_terminal() -> None:
    """What is still to be printed goes nowhere when the terminal is gone, instead of failing."""
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)


def _temporary(folder: Path) -> dict[str, str]:
    """Temporary files go into the folder; Ray's logs stay where they would be without it."""
    return {"TMPDIR": str(folder), "RAY_TMPDIR": os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"}  # noqa: S108


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    tempfile.tempdir = None  # asked for again
    try:
        yield
    finally:
        for name in changes:
            os.environ.pop(name)
            if name in before:
                os.environ[name] = before[name]
        tempfile.tempdir = None


def _erase_what_crashes_left() -> None:
    """Folders whose owner has died without an end, with the processes that it left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{COMMAND_PREFIX}*"):
        with suppress(OSError, LfrError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not (folder / LOCK).is_file():
                continue
            with locked(folder / LOCK, wait=False) as nobodys:
                if nobodys:
                    _erase(folder)


def _erase(folder: Path) -> None:
    """End every process that bears the folder's name, and erase the folder."""
    killed: set[int] = set()
    for _ in range(50):
        found = _processes(f"{OWNER}={folder}".encode())
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
        if not found and not any(map(_ends, killed)):
            break
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def _ends(pid: int) -> bool:
    """Killed, and not gone yet: its environment is lost before its ports are free."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _processes(mark: bytes) -> list[int]:
    """This user's processes with a mark in their environment, as far as the system shows that; not this one."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        # Gone meanwhile, somebody else's, or a process that has ended and waits for its parent: nothing to be read.
        with suppress(OSError):
            if mark in (place / "environ").read_bytes().split(b"\0") and int(place.name) != os.getpid():
                found.append(int(place.name))
    return found
