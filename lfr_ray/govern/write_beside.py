"""Writing beside whoever asks: a database whose machine is silent holds up neither an answer nor a stop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from lfr_ray.errors import LfrError

MOMENT_S = 2.0
"""So long whoever asks waits: mostly it is written then."""
AGAIN_S = 1.0
"""Between two tries."""
LATE_S = 2.0
"""What takes longer may never end: a server that hangs while its machine answers."""


class WriteBeside:
    """One thread at most, which lives until nothing is left to write.

    Args:
        write: Writes what waits, or raises an LfrError.
        left: Something is left that may be tried again.
    """

    def __init__(self, write: Callable[[], None], left: Callable[[], bool]) -> None:
        self._write, self._left = write, left
        self._turn, self._over = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, *, wait: bool = True) -> None:
        """Begin to write, and wait a moment, if so; while that goes on already there is nothing to do."""
        with self._turn:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
            thread.start()
        thread.join(MOMENT_S if wait else 0.0)

    def end(self) -> None:
        """Try no more."""
        self._over.set()

    def _run(self) -> None:
        while True:
            with contextlib.suppress(LfrError, OSError):
                self._write()
            with self._turn:
                if self._over.is_set() or not self._left():
                    self._thread = None
                    return
            self._over.wait(AGAIN_S)


@contextlib.contextmanager
def told_if_late(tell: Callable[[], None]) -> Iterator[None]:
    """Around something that may never end: ``tell`` is called while it goes on, in another thread, and not after it."""
    turn, over = threading.Lock(), False

    def late() -> None:
        with turn:
            if not over:
                tell()

    timer = threading.Timer(LATE_S, late)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with turn:
            over = True
        timer.cancel()
