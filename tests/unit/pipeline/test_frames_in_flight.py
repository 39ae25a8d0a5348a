"""How many frames of a camera are at the detector at once."""

from __future__ import annotations

import pytest

from lfr_ray.pipeline.frames_in_flight import LEARN_FRAMES, RETRY_FRAMES, InFlight, after_answer


def after(answers: int, alone_s: float, both_s: float, interval_s: float) -> InFlight:
    """After so many answers of a detector that takes so long for one frame, and for each of two at once."""
    state = InFlight()
    for _ in range(answers):
        state = after_answer(state, alone_s if state.allowed == 1 else both_s, interval_s)
    return state


@pytest.mark.parametrize(
    ("alone_s", "both_s", "interval_s", "allowed"),
    [
        (0.05, 0.05, 0.1, 1),  # faster than the camera
        (0.2, 0.4, 0.1, 1),  # the second only waits for the first
        (0.2, 0.32, 0.1, 1),  # and hardly gains anything
        (0.2, 0.22, 0.1, 2),  # both at the same time
    ],
)
def test_two_are_at_the_detector_where_both_are_worked_on(
    alone_s: float, both_s: float, interval_s: float, allowed: int
) -> None:
    assert after(3 * LEARN_FRAMES, alone_s, both_s, interval_s).allowed == allowed


def test_no_second_one_where_others_wait_for_the_same_detector() -> None:
    """Each would gain by it, as long as the others do not: then all wait twice as long, and none gains."""
    state = InFlight()
    for _ in range(3 * RETRY_FRAMES):
        state = after_answer(state, 0.2, 0.1, waited_s=0.1)
        assert state.allowed == 1
    for _ in range(LEARN_FRAMES):
        state = after_answer(state, 0.1, 0.05)
    assert state.allowed == 2, "they have gone"
    for _ in range(2 * LEARN_FRAMES):
        state = after_answer(state, 0.12, 0.05, waited_s=0.04)
    assert state.allowed == 1, "they have come back"


def test_two_are_tried_again_now_and_then() -> None:
    first = after(2 * LEARN_FRAMES, 0.2, 0.4, 0.1)
    assert first.allowed == 1
    state, counts = first, []
    for _ in range(RETRY_FRAMES + LEARN_FRAMES):
        state = after_answer(state, 0.2 * state.allowed, 0.1)
        counts.append(state.allowed)
    assert counts.count(2) == LEARN_FRAMES
    assert state.allowed == 1
