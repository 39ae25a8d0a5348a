"""One writer at a time, many readers: an advisory lock on a file, released by the system if its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lfr_ray.errors import StoreError

try:
    import fcntl
except ImportError:  # pragma: no cover  (not on Windows: there, one process must own the folder)
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """A lock between processes and threads.

    Args:
        path: The lock file; its folder must exist when a lock is taken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Wait until nobody writes; others may read meanwhile."""
        with self._held(exclusive=False, wait=True):
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until nobody reads or writes."""
        with self._held(exclusive=True, wait=True):
            yield

    @contextmanager
    def exclusive_if_free(self) -> Iterator[bool]:
        """Take the lock if that is possible at once; yields whether it was."""
        with self._held(exclusive=True, wait=False) as taken:
            yield taken

    @contextmanager
    def _held(self, *, exclusive: bool, wait: bool) -> Iterator[bool]:
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                "the watchlist's lock file cannot be opened",
                got=f"{self._path}: {error.strerror}",
                next_step="check that the folder is writable by this user and the disk is not full",
            ) from None
        try:
            taken = True
            if fcntl is not None:
                how = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
                try:
                    fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
                except BlockingIOError:
                    taken = False
            yield taken
        finally:
            os.close(handle)
