"""Times of a recording's pictures: they never go back, and stay within its length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lfr_ray.camera.footage_interface import SourceCounts, SourceInfo
from lfr_ray.camera.recording_gaps import RecordingTime
from lfr_ray.camera.video_timestamps import Timeline, TimelineConfig, interval, place

INTERVAL_S = 0.04


def placed(
    stamps_s: Sequence[float | None], *, length_s: float | None = None, indexed: bool = False, damaged: bool = False
) -> tuple[list[float], Timeline]:
    config, timeline, seen = TimelineConfig(INTERVAL_S, length_s, indexed), Timeline(), []
    for stamp_s in stamps_s:
        timeline = place(config, timeline, stamp_s, damaged)
        assert timeline.last_s is not None
        seen.append(timeline.last_s)
    return seen, timeline


def steady(began_s: float, count: int, interval_s: float = INTERVAL_S) -> list[float]:
    return [began_s + interval_s * index for index in range(count)]


@pytest.mark.parametrize("jump_s", [37_600.0, 95_443.7, 3.0, 59.0, -3.0, -37_600.0])
@pytest.mark.parametrize("length_s", [12.0, None])
def test_a_clock_that_jumps_for_a_second_and_comes_back(jump_s: float, length_s: float | None) -> None:
    stamps_s = [*steady(0, 100), *steady(4 + jump_s, 25), *steady(5, 175)]
    seen, timeline = placed(stamps_s, length_s=length_s)
    assert all(later >= sooner for sooner, later in pairwise(seen))
    assert timeline.jumps == 2
    assert timeline.missing_s == pytest.approx(0, abs=0.1)
    # A jump that might have been a gap costs time on the timeline, which is won back while the recording goes on.
    overshoot_s = max(0.0, min(jump_s, 60.0) - 7.0 * 0.5) if length_s is None and 0 < jump_s <= 60 else 0.1
    assert seen[-1] <= 12.0 + overshoot_s
    assert seen[:100] == pytest.approx(steady(0, 100))


@pytest.mark.parametrize("jump_s", [37_600.0, -37_600.0])
def test_a_clock_that_jumps_and_stays_there(jump_s: float) -> None:
    seen, timeline = placed([*steady(0, 100), *steady(4 + jump_s, 200)], length_s=abs(jump_s) + 12)
    assert seen == pytest.approx(steady(0, 300), abs=0.001)
    assert timeline.jumps == 1


def test_joined_recordings_follow_each_other() -> None:
    seen, _ = placed([*steady(0, 100), *steady(0, 100), *steady(0, 100)])
    assert seen == pytest.approx(steady(0, 300), abs=0.001)


def test_a_gap_that_an_index_tells_of_is_believed() -> None:
    seen, timeline = placed([*steady(0, 100), *steady(3600, 100)], length_s=3604.0, indexed=True)
    assert seen[-1] == pytest.approx(3603.96)
    assert timeline.missing_s == pytest.approx(3600 - 4 + 0.04 - INTERVAL_S)


def test_uneven_frames_keep_their_own_times_and_nothing_is_missing() -> None:
    stamps_s = [0, 0.03, 0.1, 0.14, 0.4, 0.41, 0.9, 1.6, 1.63, 1.7, 2.5]
    seen, timeline = placed(stamps_s, length_s=2.6, indexed=True)
    assert seen == stamps_s
    assert (timeline.missing_s, timeline.jumps) == (0.0, 0)


def test_small_gaps_are_missing_pictures_where_something_was_damaged() -> None:
    stamps_s = [stamp_s for index, stamp_s in enumerate(steady(0, 100)) if index % 10]
    assert placed(stamps_s)[1].missing_s == 0
    assert placed(stamps_s, damaged=True)[1].missing_s == pytest.approx(9 * INTERVAL_S)


def test_stamps_that_stand_still_do_not_stop_time() -> None:
    seen, _ = placed([*steady(0, 100), *[3.96 + 1e-5 * index for index in range(100)]])
    assert seen[-1] > 7.5


def test_disorder_is_no_jump() -> None:
    seen, timeline = placed([0.0, 0.04, 0.12, 0.08, 0.16, 0.2])
    assert seen == [0.0, 0.04, 0.12, 0.12, 0.16, 0.2]
    assert timeline.jumps == 0


def test_without_stamps_the_declared_rate_counts() -> None:
    assert placed([None] * 5)[0] == pytest.approx(steady(0, 5))


@pytest.mark.parametrize("interval_s", [5.0, 1.0, 1 / 120])
def test_slow_and_fast_recordings_have_no_gaps(interval_s: float) -> None:
    seen, timeline = placed(steady(0, 30, interval_s), length_s=30 * interval_s, indexed=True)
    assert seen == pytest.approx(steady(0, 30, interval_s))
    # Of the very first step nobody knows that it is the usual one.
    assert timeline.missing_s <= interval_s


@example([None, None, 21.0, 0.0, None, 21.0], 20.0, False)  # a jump that is undone says nothing of the usual interval
@example([28.0, 49.0, -1.0, 0.0, 1.0, 0.0, 49.0, None], 20.0, True)  # a gap that was the usual interval for a while
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e7, 1e7)), min_size=1, max_size=80),
    st.one_of(st.none(), st.floats(0.1, 1e4)),
    st.booleans(),
)
def test_whatever_the_stamps_time_never_goes_back(
    stamps_s: list[float | None], length_s: float | None, indexed: bool
) -> None:
    seen, timeline = placed(stamps_s, length_s=length_s, indexed=indexed)
    assert all(later >= sooner for sooner, later in pairwise(seen))
    assert seen[0] >= 0
    assert timeline.missing_s >= -1e-6
    if length_s is not None:
        config, timeline, usual_s = TimelineConfig(INTERVAL_S, length_s, indexed), Timeline(), INTERVAL_S
        for stamp_s in stamps_s:
            timeline = place(config, timeline, stamp_s)
            usual_s = max(usual_s, interval(config, timeline))
        assert seen[-1] <= length_s + 2 + len(stamps_s) * max(3 * usual_s, 3.0)


def test_what_is_missing_at_the_end_is_told() -> None:
    counts = SourceCounts()
    recording = RecordingTime(SourceInfo(64, 48, 25.0, 300, False, 12.0, True), counts)
    for stamp_s in [*steady(0, 50), *steady(5, 25)]:
        recording.place(stamp_s)
    assert recording.finish() == pytest.approx(12.0)
    assert counts.missing_s == pytest.approx(3.0 + 6.0, abs=0.1)
    assert counts.problems == ["no picture from 2.0 s to 5.0 s", "the last 6.0 s of 12.0 s are missing"]


def test_the_length_is_the_recordings_own() -> None:
    counts = SourceCounts()
    recording = RecordingTime(SourceInfo(64, 48, 15.06, 90, False, 6.0, True), counts)
    for stamp_s in [*steady(0, 60), *steady(2.4, 30, 0.12)]:
        recording.place(stamp_s)
    assert recording.finish() == 6.0
    assert (counts.seconds, counts.missing_s, counts.problems) == (6.0, 0.0, [])


def possibly_dropped(stamps_s: list[float], fps: float = 25.0) -> int:
    counts = SourceCounts()
    recording = RecordingTime(SourceInfo(64, 48, fps, None, False, None, True), counts)
    for stamp_s in stamps_s:
        recording.place(stamp_s)
    recording.finish()
    assert counts.problems == []
    return counts.possibly_dropped


@pytest.mark.parametrize("fps", [5.0, 25.0, 29.97, 60.0, 120.0])
@pytest.mark.parametrize("digits", [3, 6], ids=["milliseconds", "microseconds"])
@pytest.mark.parametrize("dropped", [{4}, {40, 41}, {50, 60, 75}, set(range(3, 100, 4))], ids=len)
def test_holes_of_whole_pictures_are_told_as_possible(fps: float, digits: int, dropped: set[int]) -> None:
    kept = [round(one / fps, digits) for one in range(102) if one not in dropped]
    assert possibly_dropped(kept, len(kept) / 102 * fps) == len(dropped)


def test_of_a_rate_that_varies_nothing_is_claimed() -> None:
    random = np.random.default_rng(7)
    assert possibly_dropped(np.cumsum(random.uniform(0.03, 0.09, 200)).tolist()) == 0, "a telephone's"
    assert possibly_dropped(np.cumsum([0.0333, 0.05] * 80).tolist()) == 0, "a film for television"
    assert possibly_dropped([*steady(0, 75), *steady(3.0, 25, 0.12)]) == 0, "darker, so slower"
    assert possibly_dropped([*steady(0, 25, 0.12), *steady(3.0, 75)]) == 0, "and brighter again"


@pytest.mark.parametrize(("frames", "told"), [(None, 0.7), (13, 0.0)], ids=["not counted", "all are there"])
def test_of_an_even_recording_less_than_a_second_at_the_end_is_missing_too(frames: int | None, told: float) -> None:
    counts = SourceCounts(decoded=13, expected=frames)
    recording = RecordingTime(SourceInfo(64, 48, 25.0, frames, False, 1.22, True), counts)
    for stamp_s in steady(0, 13):
        recording.place(stamp_s)
    recording.finish()
    assert counts.missing_s == pytest.approx(told, abs=0.01)
