"""One camera's chain: alerts are handed over until acknowledged, everyone else is forgotten, faults cost little."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from lfr_ray.clock import CAMERA_AHEAD
from lfr_ray.config import SiteConfig
from lfr_ray.errors import AlertRefusedError, LfrError, RefusedError, ResourceError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.pipeline import camera_chain
from lfr_ray.pipeline.camera_chain import COMPARISON_LIMIT_S, HELD_S
from lfr_ray.pipeline.send_sightings import RETRY_FIRST_S
from lfr_ray.records import Answer, Probe
from tests.unit.pipeline.conftest import until

MakeChain = Callable[..., Any]
Reply = Callable[[Probe], Answer]

LOST_S = 0.8
FORGET_S = 1.0
"""What is promised of an ended track's data."""


def one_walker(index: int) -> list[tuple[float, float]]:
    return [(100.0 + 4 * index, 120.0)]


def crowd(index: int) -> Iterable[tuple[float, float]]:
    """Every 12 frames somebody passes for 8 frames: 8 seen, 4 empty, so that the next is somebody else."""
    row = (index // 12) % 3
    return [(60.0 + 6 * (index % 12), 10.0 + 120 * row)] if index % 12 < 8 else []


def test_a_listed_person_is_raised_once_with_evidence(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker)
    one.matcher.answer = possibly_listed
    one.run(one.steps.run(one.frames(30)))
    (sighting,) = one.desk.acknowledged
    assert (sighting.camera, sighting.track, sighting.deployment) == ("gate", 1, "test")
    assert sighting.match.views_compared == 3
    assert sighting.face_jpeg.startswith(b"\xff\xd8")
    assert sighting.scene_jpeg.startswith(b"\xff\xd8")
    assert sighting.watchlist_jpeg.startswith(b"\xff\xd8")
    assert [one[:2] for one in sighting.view_jpegs] == [b"\xff\xd8"] * 2
    left = sighting.box[0]
    assert left == pytest.approx(100 + 4 * sighting.captured_s / 0.1, abs=0.2)
    assert (one.count("frames_total"), one.count("faces_seen_total"), one.count("faces_compared_total")) == (30, 1, 1)


def test_of_a_face_that_is_too_small_no_pixel_is_touched(chain: MakeChain, monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[object] = []
    monkeypatch.setattr(camera_chain, "around", lambda *face: cut.append(face))
    one = chain(one_walker, min_face_px=200)
    one.run(one.steps.run(one.frames(30)))
    assert cut == []
    assert one.count("views_rejected_total", reason="too_small") == 30
    assert (one.count("faces_seen_total"), one.count("faces_compared_total")) == (1, 0)


@pytest.mark.parametrize("error", [ResourceError("it has died"), RefusedError("others can read its data folder")])
def test_a_failing_desk_is_tried_again_with_the_same_key_until_it_acknowledges(
    chain: MakeChain, possibly_listed: Reply, error: LfrError
) -> None:
    one = chain(one_walker)
    one.matcher.answer = possibly_listed

    def fails_five_times(attempt: int) -> None:
        if attempt <= 5:
            raise error

    one.desk.verdict = fails_five_times
    one.run(one.steps.run(one.frames(30)))
    keys = {key for key, _ in one.desk.attempts}
    moments = [at_s for _, at_s in one.desk.attempts]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(keys) == 1
    assert pauses == pytest.approx([RETRY_FIRST_S * factor for factor in (1, 2, 4, 8, 16)], rel=0.01)
    assert [sighting.key for sighting in one.desk.acknowledged] == list(keys)
    assert one.count("stage_failures_total", stage="alert") == 5
    assert one.timing("capture_to_alert_seconds").newest_s[0] > sum(pauses)


def test_a_desk_that_refuses_is_not_asked_again(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker)
    one.matcher.answer = possibly_listed

    def refuses(attempt: int) -> None:
        raise AlertRefusedError("the desk is paused")

    one.desk.verdict = refuses
    one.run(one.steps.run(one.frames(30)))
    assert len(one.desk.attempts) == 1
    assert one.desk.acknowledged == []
    timed = {name for name, _ in one.steps.meter.snapshot().timings}
    assert "capture_to_alert_seconds" not in timed, "nobody was alerted"


def test_a_refused_comparison_drops_every_vector_and_says_why(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker)
    one.matcher.answer = lambda probe: Answer(refused="the emergency stop is set")

    async def scenario() -> None:
        task = asyncio.create_task(one.steps.run(one.frames(200)))
        await until(lambda: one.steps.refusal)
        assert one.embedder.calls >= 3
        assert one.embedder.alive == 0
        assert one.steps.refusal == "the emergency stop is set"
        refused = len(one.matcher.asked)
        one.matcher.answer = possibly_listed
        await until(lambda: one.desk.acknowledged)
        # What was seen under the stop is not compared afterwards: the views begin anew.
        assert one.matcher.asked[refused][2] == 3
        assert one.steps.refusal == ""
        await task

    one.run(scenario())
    assert one.count("comparisons_refused_total") >= 1
    assert one.steps.looks().cannot == ""


def test_a_camera_whose_clock_is_ahead_says_so(chain: MakeChain) -> None:
    one = chain(one_walker)
    one.matcher.answer = lambda probe: Answer(refused=CAMERA_AHEAD)
    one.run(one.steps.run(one.frames(20)))
    assert one.steps.looks().cannot == CAMERA_AHEAD


def test_a_camera_that_goes_blind_forgets_everybody_in_time(chain: MakeChain) -> None:
    one = chain(one_walker)

    async def scenario() -> None:
        feed = one.frames(10, then="silence")
        task = asyncio.create_task(one.steps.run(feed))
        await asyncio.sleep(10 * 0.1 + 0.1)
        assert one.count("faces_forgotten_total") == 0
        await asyncio.sleep(LOST_S + 0.2)
        assert one.count("faces_forgotten_total") == 1
        assert (one.embedder.alive, feed.alive) == (0, 0)
        task.cancel()

    one.run(scenario())


def test_frames_in_flight_are_taken_up_in_their_order(chain: MakeChain) -> None:
    one = chain(one_walker)
    # Every fourth answer takes as long as three frames.
    one.detector.takes_s = lambda index: 0.3 if index % 4 == 0 else 0.01
    one.run(one.steps.run(one.frames(40)))
    moments = [captured_at for _, captured_at, _ in one.matcher.asked]
    assert len(moments) >= 8
    assert moments == sorted(moments)
    assert one.count("faces_seen_total") == 1, "out of order, the walker would be several people"
    assert 2 <= one.detector.most_under_way <= 4


def test_no_second_frame_goes_where_the_first_waits_for_its_turn(chain: MakeChain) -> None:
    one = chain(one_walker)
    one.detector.takes_s, one.detector.waited_s = lambda index: 0.3, 0.2
    one.run(one.steps.run(one.frames(40)))
    assert one.detector.most_under_way == 1


def test_no_more_frames_than_allowed_are_under_way(chain: MakeChain) -> None:
    one = chain(one_walker, site=SiteConfig(site="pier", frames_in_flight=4))
    one.detector.takes_s = lambda index: 0.9
    one.run(one.steps.run(one.frames(20)))
    assert one.detector.most_under_way == 4


def test_where_the_detector_is_the_slower_part_a_frame_is_alone_with_it(chain: MakeChain) -> None:
    one = chain(one_walker)
    busy_until_s = 0.0

    def one_after_the_other(index: int) -> float:
        nonlocal busy_until_s
        busy_until_s = max(busy_until_s, one.clock.steady_s()) + 0.5
        return busy_until_s - one.clock.steady_s()

    one.detector.takes_s = one_after_the_other
    one.run(one.steps.run(one.frames(200)))
    looks = one.steps.looks()
    assert looks.detect_s < 0.6
    assert looks.fps == pytest.approx(2.0, abs=0.4)


def test_strangers_are_forgotten_within_a_second_of_their_tracks_end(chain: MakeChain) -> None:
    people = 100
    one = chain(crowd)
    takes = iter(range(10**6))
    # Most answers come soon, some late, and some never.
    one.matcher.takes_s = lambda: 10_000.0 if next(takes) % 41 == 40 else (0.01, 0.02, 0.05, 0.3, 0.7)[next(takes) % 5]

    async def scenario() -> None:
        task = asyncio.create_task(one.steps.run(one.frames(12 * people, then="silence")))
        await until(lambda: one.count("faces_forgotten_total") == people)
        task.cancel()

    one.run(scenario())
    taken = sorted(one.timing("track_end_to_forgotten_seconds").newest_s)
    assert len(taken) == people
    assert taken[round(0.99 * people) - 1] < FORGET_S
    assert taken[-1] < FORGET_S
    assert any(after_s > 0.5 for after_s in taken), "the slow answers were not slow enough to show anything"


def test_a_failing_matcher_does_not_stop_the_camera(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker)

    def dead(probe: Probe) -> Answer:
        raise ResourceError("a process of the site has died")

    one.matcher.answer = dead

    async def scenario() -> None:
        task = asyncio.create_task(one.steps.run(one.frames(60)))
        await asyncio.sleep(2.0)
        assert one.count("stage_failures_total", stage="compare") >= 3
        assert one.desk.acknowledged == []
        one.matcher.answer = possibly_listed
        await task

    one.run(scenario())
    assert one.count("frames_total") == 60
    assert len(one.desk.acknowledged) == 1


def test_answers_that_never_come_do_not_stop_the_camera(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(lambda index: [(100.0 + index, 120.0)])
    one.matcher.answer = possibly_listed
    one.matcher.takes_s = lambda: 10_000.0 if one.clock.steady_s() < began_s + 5 else 0.01
    began_s = one.clock.steady_s()
    one.run(one.steps.run(one.frames(300)))
    assert one.count("frames_total") == 300
    assert one.count("stage_failures_total", stage="compare") == 8
    (sighting,) = one.desk.acknowledged
    assert sighting.captured_s < COMPARISON_LIMIT_S + 3, "views that were not compared give way to new ones"


def test_a_lost_detection_costs_its_frame_only(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker)
    one.matcher.answer = possibly_listed
    one.detector.fails = lambda index: index in (2, 5, 6)
    one.run(one.steps.run(one.frames(30)))
    assert one.count("stage_failures_total", stage="detect") == 3
    assert len(one.desk.acknowledged) == 1
    assert one.count("faces_seen_total") == 1


def test_a_detector_that_never_answers_again_keeps_nobody(chain: MakeChain) -> None:
    one = chain(one_walker)
    one.detector.takes_s = lambda index: 0.02 if index < 10 else 10_000.0

    async def scenario() -> None:
        task = asyncio.create_task(one.steps.run(one.frames(60)))
        await asyncio.sleep(1.2 + HELD_S + FORGET_S)
        assert one.count("faces_forgotten_total") == 1
        # The frames that waited were dropped, and newer ones taken in their place.
        await asyncio.sleep(2 * HELD_S)
        assert one.count("frames_total") >= 10 + 3
        assert one.embedder.alive == 0
        task.cancel()

    one.run(scenario())


def test_a_recording_that_is_read_slowly_gives_the_same(chain: MakeChain, possibly_listed: Reply) -> None:
    def outcome(pauses_s: dict[int, float]) -> tuple[int, int, list[tuple[float, ...]]]:
        one = chain(one_walker, pace="full")
        one.matcher.answer = possibly_listed
        feed = one.frames(30)
        feed.pauses_s = pauses_s
        one.run(one.steps.run(feed))
        return one.count("faces_seen_total"), one.embedder.calls, [sighting.box for sighting in one.desk.acknowledged]

    assert outcome({2: 3.0, 9: 4.0}) == outcome({})


def test_the_chain_can_be_started_again_after_any_number_of_faults(chain: MakeChain) -> None:
    one = chain(one_walker)
    one.detector.takes_s = lambda index: 0.25  # several frames are under way when the feed fails
    one.matcher.takes_s = lambda: 10_000.0
    failures = 12

    async def scenario() -> None:
        for number in range(failures):
            feed = one.frames(8, then="fault", first=20 * number)
            with pytest.raises(OSError, match="the driver failed"):
                await one.steps.run(feed)
            await asyncio.sleep(0.001)
            assert one.embedder.alive == 0
        one.matcher.takes_s = lambda: 0.01
        await one.steps.run(one.frames(30, first=20 * failures))

    one.run(scenario())
    assert one.count("frames_total") == 8 * failures + 30
    assert one.matcher.asked[-1][2] >= 3


def test_an_alert_on_its_way_survives_a_fault_of_the_chain(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker)
    one.matcher.answer = possibly_listed

    def dead_at_first(attempt: int) -> None:
        if attempt <= 4:
            raise ResourceError("a process of the site has died")

    one.desk.verdict = dead_at_first

    async def scenario() -> None:
        with pytest.raises(OSError, match="the driver failed"):
            await one.steps.run(one.frames(6, then="fault"))
        assert one.desk.acknowledged == []
        await asyncio.sleep(10)

    one.run(scenario())
    assert len(one.desk.acknowledged) == 1


def cancelled() -> None:
    raise asyncio.CancelledError


def failed() -> None:
    raise ResourceError("a process of the site has died")


@pytest.mark.parametrize("fault", [cancelled, failed])
def test_a_comparison_that_ends_badly_holds_nobody(chain: MakeChain, fault: Callable[[], None]) -> None:
    one = chain(lambda index: one_walker(index) if index < 10 else [])
    one.matcher.answer = lambda probe: fault() or Answer()
    one.run(one.steps.run(one.frames(40, then="end")))
    assert one.matcher.asked
    assert one.timing("track_end_to_forgotten_seconds").newest_s == [0.0]


def test_a_comparison_that_never_ends_is_given_up_and_holds_nobody(chain: MakeChain) -> None:
    frames = round((COMPARISON_LIMIT_S + 3) / 0.1)
    one = chain(lambda index: [(100.0 + index, 120.0)] if index < frames else [])
    began_s = one.clock.steady_s()
    one.matcher.takes_s = lambda: 10_000.0 if one.clock.steady_s() < began_s + 2 else 0.01
    one.run(one.steps.run(one.frames(frames + 20)))
    assert one.count("stage_failures_total", stage="compare") > 0
    assert one.timing("track_end_to_forgotten_seconds").newest_s == [0.0]


def test_a_comparison_that_hangs_ends_with_those_whom_it_is_about(chain: MakeChain) -> None:
    one = chain(lambda index: one_walker(index) if index < 10 else [])
    one.matcher.takes_s = lambda: 10_000.0
    began_s = one.clock.steady_s()
    one.run(one.steps.run(one.frames(40)))
    assert one.matcher.asked
    assert one.clock.steady_s() - began_s < COMPARISON_LIMIT_S, "nobody waits for it"
    assert one.embedder.alive == 0
    assert one.count("stage_failures_total", stage="compare") == 0


def test_a_comparison_that_is_cancelled_before_it_begins_holds_nobody(chain: MakeChain) -> None:
    one = chain(lambda index: one_walker(index) if index < 10 else [])

    def cancel_comparisons(loop: asyncio.AbstractEventLoop, job: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(job, loop=loop, **options)
        if job.__name__ == "_compare":
            task.cancel()
        return task

    async def scenario() -> None:
        asyncio.get_running_loop().set_task_factory(cancel_comparisons)
        await one.steps.run(one.frames(40))

    one.run(scenario())
    assert one.embedder.calls == 0
    assert one.count("faces_compared_total") == 1
    assert one.timing("track_end_to_forgotten_seconds").newest_s == [0.0]


def test_only_faces_in_a_region_are_compared_and_it_may_be_set_while_the_camera_runs(
    chain: MakeChain, possibly_listed: Reply
) -> None:
    one = chain(one_walker, regions=[(0.0, 0.0, 0.2, 1.0)])  # the walker's middle passes it within eight frames
    one.matcher.answer = possibly_listed
    one.steps.focus = CameraFocus(regions=((0.6, 0.0, 0.4, 1.0),))
    one.run(one.steps.run(one.frames(30)))
    assert (one.desk.acknowledged, one.embedder.calls, one.count("faces_seen_total")) == ([], 0, 0)
    one.steps.focus = CameraFocus(regions=((0.6, 0.0, 0.4, 1.0), (0.2, 0.2, 0.5, 0.5)))
    one.run(one.steps.run(one.frames(30)))
    assert len(one.desk.acknowledged) == 1
