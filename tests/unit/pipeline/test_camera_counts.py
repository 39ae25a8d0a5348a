"""How far a camera's chain comes with its frames."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from lfr_ray.clock import FakeClock
from lfr_ray.metrics import Meter
from lfr_ray.pipeline.camera_counts import (
    ALERT,
    ANSWER,
    DETECT,
    LATELY_S,
    MATCH,
    UNANSWERED_LATELY_S,
    CameraCounts,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def counts(clock: FakeClock) -> CameraCounts:
    return CameraCounts(Meter(), clock, "pier")


def look(counts: CameraCounts, clock: FakeClock, times: int, takes_s: float = 0.2) -> None:
    for _ in range(times):
        with counts.timed(DETECT):
            clock.advance(takes_s)


def test_frames_that_were_looked_at_and_one_that_waits(counts: CameraCounts, clock: FakeClock) -> None:
    assert counts.looks(3).detected_age_s is None
    look(counts, clock, 50)
    with counts.timed(DETECT):
        clock.advance(1.5)
        looks = counts.looks(3)
    assert looks.waiting_s == pytest.approx(1.5)
    assert looks.detected_age_s == pytest.approx(1.5)
    assert looks.detect_s == pytest.approx(0.2)
    assert looks.fps == pytest.approx(4.3, abs=0.2)
    assert counts.looks(3).waiting_s == 0.0


def test_a_detector_that_never_answered_has_an_age(counts: CameraCounts, clock: FakeClock) -> None:
    def fail() -> None:
        with counts.timed(DETECT):
            clock.advance(2.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert counts.looks(3).detected_age_s == pytest.approx(2.0)


def give_up(counts: CameraCounts, clock: FakeClock, after_s: float) -> None:
    with suppress(asyncio.CancelledError), counts.timed(MATCH):
        clock.advance(after_s)
        raise asyncio.CancelledError


def test_a_matcher_that_answers_nothing_is_seen_also_where_nobody_waits_so_long(
    counts: CameraCounts, clock: FakeClock
) -> None:
    for _ in range(5):
        give_up(counts, clock, 0.8)
    assert counts.looks(3).unanswered_s == pytest.approx(4.0)
    with counts.timed(MATCH):
        clock.advance(0.5)
        assert counts.looks(3).unanswered_s == pytest.approx(4.5)
    assert counts.looks(3).unanswered_s == 0.0


def test_one_question_that_was_given_up_long_ago_says_nothing(counts: CameraCounts, clock: FakeClock) -> None:
    give_up(counts, clock, 0.8)
    clock.advance(UNANSWERED_LATELY_S + 0.1)
    assert counts.looks(3).unanswered_s == 0.0


def test_what_was_given_up_before_an_answer_does_not_count_after_it(counts: CameraCounts, clock: FakeClock) -> None:
    give_up(counts, clock, 0.8)
    counts.lasted(MATCH, 0.1)
    clock.advance(9.0)
    give_up(counts, clock, 0.8)
    assert counts.looks(3).unanswered_s == pytest.approx(0.8)


def test_a_question_that_waits_while_others_are_answered_is_not_unanswered(
    counts: CameraCounts, clock: FakeClock
) -> None:
    with counts.under_way(MATCH):
        clock.advance(2.0)
        counts.lasted(MATCH, 1.0)
        clock.advance(0.5)
        assert counts.looks(3).unanswered_s == pytest.approx(0.5)


def test_an_alert_that_waits(counts: CameraCounts, clock: FakeClock) -> None:
    with counts.under_way(ALERT):
        clock.advance(3.0)
        assert counts.looks(3).raising_s == pytest.approx(3.0)
    counts.lasted(ALERT, 3.0)
    clock.advance(1.0)
    assert counts.looks(3).raising_s == 0.0
    assert counts.looks(3).raised_age_s == pytest.approx(1.0)


def test_passages_with_too_few_looks_are_counted_and_forgotten_in_time(counts: CameraCounts, clock: FakeClock) -> None:
    for looks in (1, 2, 3, 9):
        counts.passed(looks, needed=3)
    found = counts.looks(3)
    assert (found.passages, found.glimpsed) == (4, 2)
    clock.advance(LATELY_S + 1)
    assert counts.looks(3).passages == 0


def test_how_soon_there_is_an_answer_lately(counts: CameraCounts) -> None:
    assert counts.looks(3).answer_s is None
    counts.lasted(ANSWER, 0.2)
    assert counts.looks(3).answer_s == pytest.approx(0.2)
    for _ in range(100):
        counts.lasted(ANSWER, 0.4)
    assert counts.looks(3).answer_s == pytest.approx(0.4, abs=0.01)
