"""A camera whose decoding takes much of a core, such as one of 8K, gives way to the others on its machine."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from lfr_ray.camera.footage_interface import SourceCounts

MOST_CORES = 0.3
"""Decoding 1920x1080 at 25 frames a second takes a third of this (`benchmarks/costs`)."""

KEY_TIMES = 2.5
"""As many times as long as another picture a key frame takes at 1920x1080; at smaller sizes two to eight times."""

LOOK_S = 2.0

LAST = 19
"""The niceness of whoever comes last. Detectors have it too, so that this takes no more from them than one of them."""


class GiveWay:
    """Watches the thread that decodes one camera; on Linux, where a thread has a priority of its own.

    There is no way back without rights that a camera does not have: it lasts as long as the thread.
    """

    def __init__(self) -> None:
        self._since_s, self._used_s, self._then = time.monotonic(), time.thread_time(), SourceCounts()
        self.given = False

    def look(self, counts: Callable[[], SourceCounts]) -> None:
        """To be called by that thread, for each picture; ``counts`` says what became of all so far."""
        now_s = time.monotonic()
        passed_s = now_s - self._since_s
        if self.given or passed_s < LOOK_S:
            return
        used_s, then, now = time.thread_time(), self._then, counts()
        # On a busy machine a thread gets less than it needs, and of a stream that is behind only key frames are
        # decoded: what counts is what all pictures would take.
        decoded, passed_over = now.decoded - then.decoded, now.undecoded - then.undecoded
        needed_s = (used_s - self._used_s) * (1 + passed_over / max(1, decoded) / KEY_TIMES)
        if needed_s > MOST_CORES * passed_s and sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
            self.given = True
        self._since_s, self._used_s, self._then = now_s, used_s, now
