"""Nothing writes its memory to the disk: no core dumps, and Ray's full object store goes on in memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform != "win32":  # Windows has no core files of this kind.
    import resource

OVERFLOW_SWITCH = "RAY_object_spilling_directory"
OVERFLOW_FOLDER = Path("/dev/shm")  # noqa: S108 - Ray unlinks its files in it at birth
"""Where a full object store of Ray goes on. Even with spilling switched off, Ray then maps objects to files
in its session folder on disk, and frames are objects; this folder is memory. Nodes that `ray start` starts need
``--object-spilling-directory`` with the same value (cluster/)."""

CORE_LIMIT_BYTES = 1
"""Largest core file. Linux writes none below a page, and only at 1 (not at 0) does it also refuse to pipe
the memory to a crash collector; see core(5) and fs/coredump.c."""


def keep_memory_off_disk() -> None:
    """Set both switches for this process and its children. Cheap, and may be called again."""
    if os.access(OVERFLOW_FOLDER, os.W_OK):
        os.environ[OVERFLOW_SWITCH] = str(OVERFLOW_FOLDER)
    if sys.platform != "win32" and not core_dumps_forbidden():
        resource.setrlimit(resource.RLIMIT_CORE, (CORE_LIMIT_BYTES, CORE_LIMIT_BYTES))


def core_dumps_forbidden() -> bool:
    """No core file can be written, and no rise of the limit is possible any more."""
    if sys.platform == "win32":
        return True
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return 0 <= soft <= CORE_LIMIT_BYTES and 0 <= hard <= CORE_LIMIT_BYTES
