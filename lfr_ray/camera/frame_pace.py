"""Which frames are looked at and when, and how far a live stream lags: functions of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

TOLERANCE = 0.1
"""Share of the period by which a frame may come early: time stamps are rounded to milliseconds."""

LONGEST_WAIT_S = 5.0
"""A gap in a recording's time stamps is not waited for any longer than this."""

LATEST_S = 1.0
"""A recording that is so late plays on from where it is instead of rushing after the clock."""

JUMP_S = 5.0
"""A live stream whose time stamps jump so far has started to count anew."""

RATE_LEAST_S = 1.0
"""Before so much time has passed nothing can be said of a rate."""

SPACING_SMOOTH = 0.2
"""Weight of the newest answer in how long answers take lately."""

LONGEST_SPACING_S = 1.0
"""However slow the detector is, a frame is sent to it as soon as it has room after this long."""

LAG_DRIFT = 0.001
"""Share by which the clocks of camera and host may run apart before it counts as lag."""

LAG_START_S = 1.0
LAG_STOP_S = 0.3
"""Above the first, only key frames of a live stream are decoded until the lag is below the second."""

CATCH_UP_S = 5.0
"""So long it may take to catch up; whatever is left then is taken for the stream's normal delay."""

RELAPSE_S = 10.0
"""A stream that is behind again so soon after it caught up gets key frames alone for as long: the machine has no time
for more, and what is decoded in vain is taken from other cameras."""


@dataclass(frozen=True, slots=True)
class PaceConfig:
    """How one source is paced.

    Attributes:
        live: The frames come when they come, or as fast as they are taken; nothing is waited for.
        every: Every frame, at once (pace full); the rest of the fields does not matter.
        period_s: Least time between two frames that are looked at.
    """

    live: bool
    every: bool
    period_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a source is.

    Attributes:
        zero_s: Steady time at which the recording's time was zero.
        due_s: Media time from which the next frame is wanted.
        last_s: Media time of the newest frame.
    """

    zero_s: float | None = None
    due_s: float | None = None
    last_s: float | None = None


def decide(config: PaceConfig, pace: Pace, media_s: float, now_s: float) -> tuple[float | None, Pace]:
    """Decide about one decoded frame at this steady time, before it costs a colour conversion.

    Returns:
        How long to wait before it is looked at, None: it is skipped; and where the source is then.
    """
    if config.every:
        return 0.0, replace(pace, last_s=media_s)
    jumped = pace.last_s is not None and not pace.last_s - config.period_s <= media_s <= pace.last_s + JUMP_S
    due_s = media_s if pace.due_s is None or (config.live and jumped) else pace.due_s
    if media_s < due_s - TOLERANCE * config.period_s:
        return None, replace(pace, due_s=due_s, last_s=media_s)
    # The next one is due a period after this one was *due*, not after it came: 10 of 25 frames a
    # second are then really 10 and not 8.3. After a gap the schedule starts again from here.
    next_due_s = due_s + config.period_s
    if next_due_s <= media_s:
        next_due_s = media_s + config.period_s
    after = Pace(pace.zero_s, next_due_s, media_s)
    if config.live:
        return 0.0, after
    zero_s = now_s - media_s if pace.zero_s is None else pace.zero_s
    wait_s = zero_s + media_s - now_s
    if wait_s > LONGEST_WAIT_S or wait_s < -LATEST_S:
        zero_s, wait_s = now_s - media_s, 0.0
    return max(0.0, wait_s), replace(after, zero_s=zero_s)


def rate(times_s: Iterable[float], since_s: float | None, now_s: float, window_s: float) -> float:
    """How many a second there were over the newest ``window_s``, or since ``since_s`` where that is less time."""
    over_s = 0.0 if since_s is None else min(window_s, now_s - since_s)
    return sum(1 for at_s in times_s if at_s > now_s - over_s) / over_s if over_s >= RATE_LEAST_S else 0.0


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far apart frames are sent to a detector that may be slower than the cameras want.

    All cameras wait for it in one line, so that each gets its share; a camera that spreads its frames over the time
    that an answer takes gets it without bursts. And what a frame waits in that line, the next one waits before it is
    taken: a line of half the length serves as many, and what has not been taken is replaced by what is newer.

    Attributes:
        sent_s: Steady time at which the newest frame was taken.
        answer_s: How long an answer takes lately.
        waited_s: For how much of that a frame waits for its turn.
    """

    sent_s: float = float("-inf")
    answer_s: float = 0.0
    waited_s: float = 0.0

    def answered(self, took_s: float, waited_s: float = 0.0) -> Spacing:
        """An answer took so long, and for so much of that the frame waited for its turn."""
        return replace(
            self,
            answer_s=self.answer_s + SPACING_SMOOTH * (took_s - self.answer_s),
            waited_s=self.waited_s + SPACING_SMOOTH * (waited_s - self.waited_s),
        )

    def wait_s(self, in_flight: int, now_s: float, *, alone: bool) -> float:
        """How long to wait before the next frame is taken, so that so many frames are under way, evenly spaced.

        ``alone``: none of them is there to wait behind another one of the same camera, which says nothing of others.
        """
        apart_s = (self.answer_s + self.waited_s if alone else self.answer_s) / in_flight
        return max(0.0, self.sent_s + min(LONGEST_SPACING_S, apart_s) - now_s)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a live stream is behind.

    Attributes:
        least_s: Smallest difference seen between steady time and media time.
        at_s: Steady time of the last look.
        behind_s: The present difference above the smallest: the lag.
        keys_since_s: Since when only key frames are decoded, to catch up; None while all are.
        keys_until_s: Before that not all are decoded again.
        caught_up_s: When all were decoded again.
    """

    least_s: float | None = None
    at_s: float = 0.0
    behind_s: float = 0.0
    keys_since_s: float | None = None
    keys_until_s: float = 0.0
    caught_up_s: float = float("-inf")


def measure_lag(lag: Lag, media_s: float, now_s: float) -> Lag:
    """Follow a live stream's lag frame by frame.

    When decoding is slower than the camera, frames pile up in the network's buffers where nobody
    counts them, but their time stamps tell.
    """
    difference_s = now_s - media_s
    if lag.least_s is None:
        return Lag(difference_s, now_s)
    held = now_s < lag.keys_until_s
    if lag.keys_since_s is not None and not held and now_s - lag.keys_since_s > CATCH_UP_S:
        # Key frames alone cost next to nothing: what is still behind is no backlog of ours. The
        # camera's time stamps have jumped, or the network delays everything alike.
        return Lag(difference_s, now_s, caught_up_s=now_s)
    least_s = min(difference_s, lag.least_s + LAG_DRIFT * max(0.0, now_s - lag.at_s))
    after = replace(lag, least_s=least_s, at_s=now_s, behind_s=difference_s - least_s)
    if lag.keys_since_s is not None:
        return after if held or after.behind_s > LAG_STOP_S else replace(after, keys_since_s=None, caught_up_s=now_s)
    if after.behind_s <= LAG_START_S:
        return after
    relapsed = now_s - lag.caught_up_s < RELAPSE_S
    return replace(after, keys_since_s=now_s, keys_until_s=now_s + RELAPSE_S if relapsed else 0.0)
