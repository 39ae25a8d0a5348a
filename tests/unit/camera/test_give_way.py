"""A thread that decodes for much of the time comes last; one that does not stays as it was."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from lfr_ray.camera import give_way
from lfr_ray.camera.give_way import LAST, GiveWay

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a thread a priority of its own")


def niceness_after(busy: bool) -> tuple[bool, int, int]:
    """Whether a thread gave way, its niceness before and after, when it decodes and when it waits."""
    found: list[tuple[bool, int, int]] = []

    def decode() -> None:
        own = threading.get_native_id()
        before, way = os.getpriority(os.PRIO_PROCESS, own), GiveWay()
        until_s = time.monotonic() + 3 * give_way.LOOK_S
        while time.monotonic() < until_s:
            sum(range(1000)) if busy else threading.Event().wait(0.01)
            way.look()
        found.append((way.given, before, os.getpriority(os.PRIO_PROCESS, own)))

    thread = threading.Thread(target=decode)
    thread.start()
    thread.join()
    return found[0]


def test_who_decodes_all_the_time_comes_last_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(give_way, "LOOK_S", 0.2)
    assert niceness_after(busy=True)[::2] == (True, LAST)
    given, before, after = niceness_after(busy=False)
    assert not given
    assert after == before == os.getpriority(os.PRIO_PROCESS, 0), "the process and its other threads stay as they were"
