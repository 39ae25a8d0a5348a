"""Which frames go to the detector: evenly spread where it is slow, and only where something moved if that is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from statistics import median

import numpy as np
import pytest

from lfr_ray.clock import Clock, FakeClock, SlowClock, sleep_by
from lfr_ray.config import CameraConfig, DetectorConfig, SiteConfig
from lfr_ray.metrics import Meter
from lfr_ray.pipeline.camera_chain import HELD_S
from lfr_ray.pipeline.camera_counts import CameraCounts
from lfr_ray.pipeline.detections import LONGEST_S, Detections
from lfr_ray.records import Faces, Frame, Picture
from tests.unit.pipeline.conftest import Chain, ListedFrames, VirtualLoop

PIXELS = np.full((64, 64, 3), 9, np.uint8)


class SlowDetector:
    """One picture after the other, in the order in which they came; it tells how long each waited for its turn."""

    def __init__(self, takes_s: float, *, tells: bool) -> None:
        self._takes_s, self._tells = takes_s, tells
        self._busy = asyncio.Lock()

    async def detect(self, canvas: Picture) -> Faces:
        come_s = asyncio.get_running_loop().time()
        async with self._busy:
            waited_s = asyncio.get_running_loop().time() - come_s
            await asyncio.sleep(self._takes_s)
        return replace(Faces.none(), waited_s=waited_s if self._tells else 0.0)


class NewestOf:
    """A camera of ``fps`` frames a second, of which always the newest is taken."""

    def __init__(self, clock: Clock, fps: float, first_s: float) -> None:
        self._clock, self._fps, self._first_s = clock, fps, first_s
        self._newest = -1

    async def get_async(self) -> Frame:
        due_s = self._first_s + (self._newest + 1) / self._fps
        await sleep_by(self._clock, due_s - self._clock.steady_s())
        self._newest = index = int((self._clock.steady_s() - self._first_s) * self._fps + 1e-6)
        return Frame("gate", index, self._first_s + index / self._fps, 0.0, PIXELS)


def looked_at(
    *priorities: int, live: bool = True, tells: bool = True, ages_s: list[float] | None = None, slower: float = 1.0
) -> list[list[float]]:
    """When the frames of each camera were taken that a detector of 50 a second looked at, in 20 s.

    live: the camera finds out how many frames are of use at a time. ages_s: each frame's age with its answer.
    """
    machine, site = FakeClock(steady_s=1_000.0 * slower), SiteConfig(site="pier")
    clock = SlowClock(machine, slower)
    looked: list[list[float]] = [[] for _ in priorities]

    async def follow(number: int, detector: SlowDetector) -> None:
        camera = CameraConfig(name=f"camera-{number}", url="demo:gate", max_fps=25, priority=priorities[number])
        source, counts = NewestOf(clock, 25.0, clock.steady_s() + number * 0.013), CameraCounts(Meter(), clock, "gate")
        in_flight, interval_s = site.frames_in_flight_of(camera), camera.least_interval_s if live else None
        how = (DetectorConfig(), detector, clock, counts, in_flight, interval_s, HELD_S)
        detections = Detections(source, camera, *how)  # type: ignore[arg-type]
        while (detected := await detections.next()) is not None:
            looked[number].append(detected[0].captured_s)
            if ages_s is not None:
                ages_s.append(clock.steady_s() - detected[0].captured_s)

    async def run() -> None:
        detector = SlowDetector(slower / 50, tells=tells)
        following = [asyncio.create_task(follow(number, detector)) for number in range(len(priorities))]
        await sleep_by(clock, 20)
        for task in following:
            task.cancel()

    loop = VirtualLoop(machine)
    try:
        loop.run_until_complete(run())
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
    finally:
        loop.close()
    return looked


@pytest.mark.parametrize("cameras", [2, 6, 8])
@pytest.mark.parametrize("live", [True, False])
def test_a_slow_detector_is_shared_evenly_and_without_bursts(cameras: int, live: bool) -> None:
    looked = looked_at(*[1] * cameras, live=live)
    counted = [len(times_s) for times_s in looked]
    assert max(counted) <= 1.1 * min(counted)
    # What the detector can do is used.
    assert sum(counted) >= 0.9 * min(50, 25 * cameras) * 20
    for times_s in looked:
        gaps_s = [after - before for before, after in pairwise(times_s[10:])]
        assert max(gaps_s) <= 2 * median(gaps_s) + 0.041
        assert min(gaps_s) >= median(gaps_s) / 2 - 0.041


@pytest.mark.parametrize("cameras", [2, 8])
def test_where_all_is_slower_the_same_frames_are_looked_at(cameras: int) -> None:
    ages_s: dict[float, list[float]] = {1.0: [], 16.0: []}
    once, slowly = (looked_at(*[1] * cameras, ages_s=some, slower=slower) for slower, some in ages_s.items())
    for usual_s, slow_s in zip(once, slowly, strict=True):
        assert slow_s == pytest.approx(usual_s)
    assert ages_s[16.0] == pytest.approx(ages_s[1.0], rel=1e-6)


@pytest.mark.parametrize("cameras", [6, 12, 24])
def test_frames_wait_where_a_newer_one_can_take_their_place(cameras: int) -> None:
    ages_s: dict[bool, list[float]] = {True: [], False: []}
    for tells, some in ages_s.items():
        looked_at(*[1] * cameras, tells=tells, ages_s=some)
    assert median(ages_s[True]) <= 0.75 * median(ages_s[False])
    assert len(ages_s[True]) >= 0.97 * len(ages_s[False])


def test_where_two_frames_are_to_be_under_way_the_line_that_they_make_themselves_is_not_waited_for() -> None:
    assert looked_at(1, 1, 1, live=False, tells=True) == looked_at(1, 1, 1, live=False, tells=False)


def test_a_camera_that_goes_first_is_looked_at_more_often_and_the_others_alike() -> None:
    first, *others = map(len, looked_at(3, 1, 1, 1, 1, 1))
    assert max(others) <= 1.1 * min(others)
    assert first / max(others) == pytest.approx(3.0, rel=0.15)


def still_people(index: int) -> Iterator[tuple[float, float]]:
    yield 200.0, 100.0


def watched(frames: int, **camera: object) -> tuple[Chain, ListedFrames]:
    chain = Chain(still_people, **camera)
    source = chain.frames(frames)
    chain.run(chain.steps.run(source))
    return chain, source


def test_a_face_that_stands_still_is_followed_behind_the_gate() -> None:
    plain, _ = watched(60)
    chain, _ = watched(60, motion=True)
    assert chain.count("frames_total") == 60
    # Six seconds: it is looked for again every 0.3 s, and its track goes on in between.
    assert chain.count("frames_still_total") == 40
    assert chain.timing("detect_seconds").count == 20
    for name in ("faces_detected_total", "faces_seen_total", "faces_compared_total", "views_embedded_total"):
        assert chain.count(name) == plain.count(name), name
    assert chain.count("faces_seen_total") == 1


def test_without_the_switch_every_frame_is_looked_at() -> None:
    chain, _ = watched(12)
    assert chain.count("frames_still_total") == 0
    assert chain.timing("detect_seconds").count == 12


def test_photographs_are_each_looked_at() -> None:
    chain = Chain(still_people, motion=True)
    source = chain.frames(5)
    source.single = True
    chain.run(chain.steps.run(source))
    assert chain.count("frames_still_total") == 0


def test_a_look_that_failed_is_made_again() -> None:
    chain = Chain(still_people, motion=True)
    chain.detector.fails = lambda index: index == 0
    chain.run(chain.steps.run(chain.frames(3)))
    assert chain.count("stage_failures_total", stage="detect") == 1
    assert chain.count("faces_detected_total") == 2


def test_recordings_are_not_spaced() -> None:
    site = SiteConfig(site="pier")
    chain = Chain(still_people, site=site, pace="full")
    chain.detector.takes_s = lambda index: 0.4
    source = chain.frames(20)
    source.interval_s = 0.001
    began_s = chain.clock.steady_s()
    chain.run(chain.steps.run(source))
    # Four frames at the detector at once, from the start.
    assert chain.clock.steady_s() - began_s < 20 / 4 * 0.4 + 0.2


def test_a_detector_that_is_slow_by_itself_is_waited_for() -> None:
    chain = Chain(still_people)
    chain.detector.takes_s = lambda index: 2.5 if index < 4 else 1.4
    source = chain.frames(200)
    chain.run(chain.steps.run(source))
    assert chain.count("stage_failures_total", stage="detect") <= 4
    assert chain.timing("detect_seconds").count >= 8


def test_a_detector_that_grows_slow_costs_a_few_frames_only() -> None:
    chain = Chain(still_people)
    chain.detector.takes_s = lambda index: 0.03 if index < 20 else 1.5
    chain.run(chain.steps.run(chain.frames(300)))
    assert 1 <= chain.count("stage_failures_total", stage="detect") <= 6
    assert chain.timing("detect_seconds").count >= 26


class HangingDetector:
    """Takes ``takes_s`` for so many pictures, and never answers again. It notes how long it was shown somebody."""

    def __init__(self, clock: FakeClock, answers: int, takes_s: float) -> None:
        self._clock, self._answers, self._takes_s = clock, answers, takes_s
        self.shown_s: list[float] = []

    async def detect(self, canvas: Picture) -> Faces:
        began_s = self._clock.steady_s()
        self._answers -= 1
        try:
            await asyncio.sleep(self._takes_s if self._answers >= 0 else 1e6)
            return Faces.none()
        finally:
            if canvas.any():
                self.shown_s.append(self._clock.steady_s() - began_s)


@pytest.mark.parametrize(("answers", "longer"), [(0, 0), (20, 2)])
def test_a_detector_that_never_answers_holds_a_frame_for_a_second(answers: int, longer: int) -> None:
    clock = FakeClock()
    detector = HangingDetector(clock, answers, 1.4)
    counts = CameraCounts(Meter(), clock, "gate")

    async def run() -> None:
        source, camera = NewestOf(clock, 25.0, clock.steady_s()), CameraConfig(name="gate", url="demo:gate")
        detections = Detections(source, camera, DetectorConfig(), detector, clock, counts, 2, shortest_limit_s=1.0)  # type: ignore[arg-type]
        taking = asyncio.create_task(detections.next())
        while clock.steady_s() < began_s + 60:
            await asyncio.wait([taking], timeout=1.0)
            if taking.done():
                taking = asyncio.create_task(detections.next())
        await detections.close()
        taking.cancel()

    began_s, loop = clock.steady_s(), VirtualLoop(clock)
    loop.run_until_complete(run())
    loop.close()
    silent = detector.shown_s[answers:]
    assert len(silent) >= 30
    assert max(silent) <= LONGEST_S + 0.1
    assert sum(shown_s > 1.1 for shown_s in silent) <= longer, "where it was slow by itself, those under way then"
