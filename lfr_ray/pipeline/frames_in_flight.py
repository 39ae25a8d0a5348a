"""How many frames of one camera are at the detector at once: a function of how long it takes for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

LEARN_FRAMES = 8
"""After so many answers it is known how long the detector takes."""

GAIN = 1.3
"""A second frame that is under way with the first must make at least so much of the rate; otherwise it only waits."""

RETRY_FRAMES = 300
"""After so many answers one at a time, two are tried again."""


MOST_WAITED = 0.25
"""Of an answer's time, at most this may be waiting for its turn. Beyond, the detector is busy with other cameras: a
second frame would take its time from them, each camera would follow, and all would wait twice as long."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Frames at the detector at once, and what is known of it.

    Attributes:
        allowed: One, or two. Two are of use where the detector has room for both, on another machine for example.
        frames: Answers since this was decided, or decided anew.
        sum_s: How long they took, together.
        waited_s: For how much of that they waited for their turn.
        alone_s: How long one takes when it is there alone; 0: not known yet.
    """

    allowed: int = 1
    frames: int = 0
    sum_s: float = 0.0
    waited_s: float = 0.0
    alone_s: float = 0.0


def after_answer(state: InFlight, took_s: float, interval_s: float, waited_s: float = 0.0) -> InFlight:
    """What is allowed after an answer of the detector, which took so long and waited so long for its turn there.

    The camera gives a frame every ``interval_s``; a detector that is faster needs one at a time only.
    """
    state = replace(state, frames=state.frames + 1, sum_s=state.sum_s + took_s, waited_s=state.waited_s + waited_s)
    if state.frames < (RETRY_FRAMES if state.allowed == 1 and state.alone_s else LEARN_FRAMES):
        return state
    mean_s = state.sum_s / state.frames
    shared = state.waited_s > MOST_WAITED * state.sum_s
    if state.allowed == 1:
        if mean_s > interval_s and not shared:
            return InFlight(2, alone_s=mean_s)
        return state if state.frames < RETRY_FRAMES else InFlight(alone_s=state.alone_s)
    useful = 2.0 * state.alone_s >= GAIN * mean_s and not shared
    return InFlight(2 if useful else 1, alone_s=state.alone_s)
