"""A thread that decodes for much of the time comes last; one that does not stays as it was."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace

import pytest

from lfr_ray.camera import give_way
from lfr_ray.camera.footage_interface import SourceCounts
from lfr_ray.camera.give_way import LAST, GiveWay

WORKS_S, WAITS_S = 0.01, 0.01

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a thread a priority of its own")


def niceness_after(busy: bool, passed_over: int = 0) -> tuple[bool, int, int]:
    """Whether a thread gave way, its niceness before and after.

    It decodes for half of the time or waits, and of each picture that it decodes so many others were passed over.
    """
    found: list[tuple[bool, int, int]] = []

    def decode() -> None:
        own = threading.get_native_id()
        counts = SourceCounts()
        before, way = os.getpriority(os.PRIO_PROCESS, own), GiveWay()
        until_s = time.monotonic() + 3 * give_way.LOOK_S
        while time.monotonic() < until_s:
            worked_until_s = time.thread_time() + (WORKS_S if busy else 0.0)
            while time.thread_time() < worked_until_s:
                pass
            threading.Event().wait(WAITS_S)
            counts.decoded += 1
            counts.undecoded += passed_over
            way.look(lambda: replace(counts))
        found.append((way.given, before, os.getpriority(os.PRIO_PROCESS, own)))

    thread = threading.Thread(target=decode)
    thread.start()
    thread.join()
    return found[0]


def test_who_decodes_much_of_the_time_comes_last_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(give_way, "LOOK_S", 0.2)
    monkeypatch.setattr(give_way, "MOST_CORES", 0.1)
    assert niceness_after(busy=True)[::2] == (True, LAST)
    given, before, after = niceness_after(busy=False)
    assert not given
    assert after == before == os.getpriority(os.PRIO_PROCESS, 0), "the process and its other threads stay as they were"


def test_what_a_stream_that_is_behind_would_take_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(give_way, "LOOK_S", 0.2)
    monkeypatch.setattr(give_way, "MOST_CORES", 1.0)
    assert not niceness_after(busy=True)[0], "more than a core nobody takes who decodes every picture"
    assert niceness_after(busy=True, passed_over=24)[0], "of 25 pictures one was decoded"
    monkeypatch.setattr(give_way, "MOST_CORES", 2.0)
    assert not niceness_after(busy=True, passed_over=4)[0], "a key frame takes more than what was passed over"


def test_only_what_was_passed_over_lately_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(give_way, "LOOK_S", 0.2)
    monkeypatch.setattr(give_way, "MOST_CORES", 2.0)
    way = GiveWay()
    counts = SourceCounts(decoded=10, undecoded=1000)
    threading.Event().wait(0.25)
    way.look(lambda: replace(counts))
    assert not way.given, "nothing was worked"
    worked_until_s = time.thread_time() + 0.25
    while time.thread_time() < worked_until_s:
        pass
    counts.decoded += 10
    way.look(lambda: replace(counts))
    assert not way.given
