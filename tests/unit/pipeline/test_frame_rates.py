"""Slow cameras and single pictures: what is compared, and that nobody is forgotten too early or too late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.pipeline.camera_chain import NO_SINGLE_FIT
from lfr_ray.records import Answer, Probe

MakeChain = Callable[..., Any]
Reply = Callable[[Probe], Answer]


def standing(index: int) -> list[tuple[float, float]]:
    return [(200.0, 120.0)]


def passing_by(index: int) -> list[tuple[float, float]]:
    """In every fifth frame somebody, at another place."""
    return [(40.0 + 23 * index, 120.0)] if index % 5 == 2 else []


@pytest.mark.parametrize("interval_s", [5.0, 2.0, 1.0, 0.5, 0.2, 0.04, 1 / 120])
def test_one_person_alerts_once_at_any_rate(chain: MakeChain, possibly_listed: Reply, interval_s: float) -> None:
    one = chain(standing)
    one.matcher.answer = possibly_listed
    feed = one.frames(12 if interval_s > 0.3 else 60)
    feed.interval_s = interval_s
    one.detector.takes_s = lambda index: min(0.02, interval_s / 2)
    one.run(one.steps.run(feed))
    assert len(one.desk.acknowledged) == 1
    # After the first frame nobody knows yet how long the next one will take.
    assert one.count("faces_seen_total") == (2 if interval_s > 0.8 else 1)


def test_views_of_a_slow_camera_are_judged_by_themselves_until_there_are_enough(chain: MakeChain) -> None:
    one = chain(standing)
    feed = one.frames(5)
    feed.interval_s = 1.0
    one.run(one.steps.run(feed))
    assert one.matcher.probes == [(2, True, 1), (2, True, 1), (2, False, 3), (2, False, 4)]


def test_views_of_a_fast_camera_are_never_judged_by_themselves(chain: MakeChain) -> None:
    one = chain(standing)
    one.run(one.steps.run(one.frames(8)))
    assert [single for _, single, _ in one.matcher.probes] == [False] * 6


def test_a_machine_that_drops_frames_does_not_make_a_camera_slow(chain: MakeChain) -> None:
    one = chain(standing)
    feed = one.frames(1)
    feed._indices = iter(range(0, 120, 10))  # ten frames a second, of which one is looked at
    feed.pauses_s = dict.fromkeys(range(0, 120, 10), 1.0)
    one.run(one.steps.run(feed))
    assert one.matcher.probes
    assert not any(single for _, single, _ in one.matcher.probes)


def test_a_face_in_one_frame_of_a_slow_camera_is_compared(chain: MakeChain) -> None:
    one = chain(passing_by)
    feed = one.frames(20)
    feed.interval_s = 1.0
    one.run(one.steps.run(feed))
    assert one.matcher.probes == [(track, True, 1) for track in (1, 2, 3, 4)]


def test_a_slow_camera_that_goes_blind_forgets_everybody_in_time(chain: MakeChain) -> None:
    one = chain(standing)

    async def scenario() -> None:
        feed = one.frames(6, then="silence")
        feed.interval_s = 1.0
        task = asyncio.create_task(one.steps.run(feed))
        await asyncio.sleep(6 + 2.0)
        assert one.count("faces_forgotten_total") == 1, "the track of the first frame"
        await asyncio.sleep(1.5)
        assert one.count("faces_forgotten_total") == 2
        task.cancel()

    one.run(scenario())


def test_single_pictures_are_judged_one_by_one(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(standing)
    one.matcher.answer = possibly_listed
    # Slower than the limit after which an ended tracklet is dropped: a picture's comparison is waited for.
    one.matcher.takes_s = lambda: 1.5
    feed = one.frames(4)
    feed.single, feed.interval_s = True, 1.0
    one.run(one.steps.run(feed))
    assert one.matcher.probes == [(track, True, 1) for track in (1, 2, 3, 4)]
    assert len(one.desk.acknowledged) == 4
    assert one.count("faces_forgotten_total") == 4


def test_without_a_fit_of_single_pictures_none_is_compared_and_it_is_said(chain: MakeChain) -> None:
    one = chain(standing)
    one.steps._judges_single = False
    feed = one.frames(3)
    feed.single = True
    one.run(one.steps.run(feed))
    assert one.matcher.probes == []
    assert one.steps.refusal == NO_SINGLE_FIT
