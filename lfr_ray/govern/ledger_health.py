"""Whether the ledger can be written, as every process of a site can see it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

LEAST_SPACE_BYTES = 16 * 2**20
"""With less free space matching stops, before a record is lost for want of it."""


def space_fault(folder: Path) -> str:
    """Empty, or that the disk is nearly full."""
    try:
        state = os.statvfs(folder)
    except OSError as error:
        return f"the ledger's disk does not answer: {error.strerror}"
    if state.f_bavail * state.f_frsize >= LEAST_SPACE_BYTES:
        return ""
    return f"the ledger's disk is nearly full: less than {LEAST_SPACE_BYTES // 2**20} MiB are free"


class FailureMarker:
    """An empty file that one process holds locked while it has records that it cannot write.

    An empty file needs no block, so it can be made on a full disk; the lock ends with its process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def set(self) -> None:
        """Tell the other processes. On a disk that takes no file at all, the space check tells them."""
        if self._descriptor >= 0:
            return
        with contextlib.suppress(OSError):
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def clear(self, *, remove: bool = True) -> None:
        """Our records are written, or (``remove`` false) we end without having written them."""
        if self._descriptor < 0:
            return
        if remove:
            with contextlib.suppress(OSError):
                self._path.unlink()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1

    def fault(self) -> str:
        """Empty, or that a process has records that it cannot write."""
        return "the ledger cannot be written by another process of this site" if self._path.exists() else ""

    def clear_stale(self) -> bool:
        """Remove the file of a process that ended; True when there was one."""
        try:
            descriptor = os.open(self._path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._path.unlink()
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True
