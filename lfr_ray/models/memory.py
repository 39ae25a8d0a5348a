"""A process that runs a network keeps the memory of one run for the next."""

from __future__ import annotations

import ctypes
import functools
import sys

ARENA_MAX, MMAP_MAX, TRIM_THRESHOLD = -8, -4, -1
"""Numbers of glibc's mallopt(3)."""

NEVER_BYTES = 2**31 - 1


@functools.cache
def reuse_memory() -> bool:
    """Freed memory stays with this process, in one arena, instead of going back to the system.

    A network's maps are tens of megabytes; glibc gives every one back as soon as it is free, and takes it anew a
    millisecond later, page by page. A batch of four frames cost 16,000 page faults each, and a quarter of its time.
    For processes that only run models: what they hold does not shrink again.

    Returns:
        Whether it was done: only glibc can.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    wanted = ((ARENA_MAX, 1), (MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER_BYTES))
    return all([mallopt(option, value) == 1 for option, value in wanted])
