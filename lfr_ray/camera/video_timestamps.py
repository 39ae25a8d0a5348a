"""One timeline for a recording, which never goes back, from time stamps that may be anything: functions of values.

Joined recordings begin to count anew in the middle, and transport streams jump ahead for a while and come back. Where
the stamps cannot be true, the pictures follow each other at their usual interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median_low

ANEW_S = 0.5
"""Time stamps that go back so far have begun to count anew; less is disorder."""

STEP_S = 1.0
"""Up to so long, or :data:`STEP_INTERVALS` intervals, a step is an ordinary one, whatever the recording's length."""

STEP_INTERVALS = 3.0

LONGEST_GAP_S = 60.0
"""A longer gap is not believed of a format that has no index: a jump of its clock is more likely."""

GAP_INTERVALS = 10.0
"""The same in intervals, for recordings of a picture a minute."""

MISSING_S = 2.0
"""A gap so long counts as missing, also where nothing was damaged."""

MISSING_INTERVALS = 5.0

DAMAGED_INTERVALS = 1.5
"""Where something was damaged, a gap of more intervals than this is missing pictures."""

CATCH_UP = 0.5
"""Time passes by this factor until the pictures are no longer ahead of the recording's own time."""

LEAST_STEP_S = 0.001
STALLED = 3
"""After so many steps below the least one, the stamps stand still while the pictures go on."""

STEPS = 9
"""The usual interval is the median of so many newest steps."""


@dataclass(frozen=True, slots=True)
class TimelineConfig:
    """What is known of a recording before it is read.

    Attributes:
        interval_s: Usual time between two pictures, as declared.
        indexed: Its format lists every picture with its time, so that long gaps are believed.
    """

    interval_s: float
    length_s: float | None = None
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where a recording is.

    Attributes:
        last_s: Where the newest picture was put; None before the first one.
        stamp_s: Its time stamp, shifted.
        shift_s: What is added to time stamps.
        steps_s: The newest steps from one time stamp to the next.
        gap_s: The newest gap that was believed; a step back of the same size shows that it was none.
        missing_s: How long nothing could be seen.
        jumps: Steps that were not believed.
        uneven_s: By how much steps were longer than the usual one without counting as missing.
        stalled: Steps in a row in which hardly any time passed.
        former_shift_s: What was added before the newest jump; None before the first one.
    """

    last_s: float | None = None
    stamp_s: float = 0.0
    shift_s: float = 0.0
    steps_s: tuple[float, ...] = ()
    gap_s: float = 0.0
    missing_s: float = 0.0
    jumps: int = 0
    uneven_s: float = 0.0
    stalled: int = 0
    former_shift_s: float | None = None


def place(config: TimelineConfig, timeline: Timeline, stamp_s: float | None, damaged: bool = False) -> Timeline:
    """Put the next picture on the timeline: ``last_s`` of what is returned.

    ``damaged`` says that something between the picture before and this one could not be decoded.

    >>> config, timeline = TimelineConfig(0.04, length_s=12.0), Timeline()
    >>> for stamp_s in (0.0, 0.04, 37600.0, 37600.04, 0.16):
    ...     timeline = place(config, timeline, stamp_s)
    >>> round(timeline.last_s, 2), timeline.jumps
    (0.16, 2)
    """
    interval_s = interval(config, timeline)
    last_s = timeline.last_s
    if last_s is None:
        return _first(config, stamp_s)
    if stamp_s is None:
        return replace(timeline, last_s=last_s + interval_s, stamp_s=timeline.stamp_s + interval_s)
    shifted_s = stamp_s + timeline.shift_s
    step_s = shifted_s - timeline.stamp_s
    gap = step_s > max(STEP_S, STEP_INTERVALS * interval_s)
    if (gap or step_s < -ANEW_S) and timeline.former_shift_s is not None:
        before_s = stamp_s + timeline.former_shift_s
        if abs(before_s - last_s - interval_s) <= STEP_S:
            # The clock is again what it was before it jumped.
            back = replace(timeline, shift_s=timeline.former_shift_s, former_shift_s=None, jumps=timeline.jumps + 1)
            return replace(back, last_s=max(last_s, before_s), stamp_s=max(last_s, before_s), gap_s=0.0)
    if step_s < -ANEW_S:
        return _went_back(timeline, shifted_s, step_s, interval_s)
    stalled = timeline.stalled + 1 if abs(step_s) < LEAST_STEP_S else 0
    if stalled > STALLED:
        ahead_s = max(last_s, min(last_s + interval_s, _length(config)))
        return replace(timeline, last_s=ahead_s, stamp_s=max(shifted_s, timeline.stamp_s), stalled=stalled)
    if not _believed(config, shifted_s, step_s, interval_s):
        return _follows(timeline, shifted_s, interval_s)
    # Where the pictures are ahead of the recording's own time, theirs passes more slowly until they are not.
    slowed_s = last_s + CATCH_UP * max(0.0, step_s) if last_s > timeline.stamp_s else last_s
    missing = is_missing(step_s, interval_s, damaged)
    longer_s = step_s - interval_s if step_s > DAMAGED_INTERVALS * interval_s else 0.0
    return replace(
        timeline,
        last_s=max(last_s, shifted_s, min(slowed_s, _length(config))),
        stamp_s=max(shifted_s, timeline.stamp_s),
        steps_s=(*timeline.steps_s, step_s)[-STEPS:] if step_s >= LEAST_STEP_S else timeline.steps_s,
        stalled=stalled,
        gap_s=step_s if gap else timeline.gap_s,
        missing_s=timeline.missing_s + (longer_s if missing else 0.0),
        uneven_s=timeline.uneven_s + (0.0 if missing else longer_s),
    )


def interval(config: TimelineConfig, timeline: Timeline) -> float:
    """The usual time between two pictures, seconds: as seen lately, before that as declared."""
    return median_low(timeline.steps_s) if timeline.steps_s else config.interval_s


def is_missing(step_s: float, interval_s: float, damaged: bool) -> bool:
    """Whether pictures are missing between two that are so far apart."""
    if damaged and step_s > DAMAGED_INTERVALS * interval_s:
        return True
    return step_s > max(MISSING_S, MISSING_INTERVALS * interval_s)


def missing_at_end_s(config: TimelineConfig, timeline: Timeline, *, incomplete: bool = False) -> float:
    """How much of a recording's length is not there at its end; 0 where nobody declared its length.

    ``incomplete`` says that fewer pictures came than there should be, or that they come evenly. Otherwise the last one
    may be shown for up to a second.
    """
    if not config.indexed or config.length_s is None or timeline.last_s is None:
        return 0.0
    interval_s = interval(config, timeline)
    left_s = config.length_s - end_s(config, timeline)
    ordinary_s = STEP_INTERVALS * interval_s
    return left_s if left_s > (ordinary_s if incomplete else max(STEP_S, ordinary_s)) else 0.0


def end_s(config: TimelineConfig, timeline: Timeline) -> float:
    """When the newest picture ends."""
    if timeline.last_s is None:
        return 0.0
    return timeline.last_s + interval(config, timeline)


def _first(config: TimelineConfig, stamp_s: float | None) -> Timeline:
    if stamp_s is None or stamp_s < 0:
        return Timeline(0.0, 0.0, 0.0 if stamp_s is None else -stamp_s)
    if not _believed(config, stamp_s, stamp_s, config.interval_s):
        return Timeline(0.0, 0.0, -stamp_s)
    missing_s = stamp_s if is_missing(stamp_s, config.interval_s, False) else 0.0
    return Timeline(stamp_s, stamp_s, missing_s=missing_s)


def _believed(config: TimelineConfig, shifted_s: float, step_s: float, interval_s: float) -> bool:
    if step_s <= max(STEP_S, STEP_INTERVALS * interval_s):
        return True
    if config.length_s is not None and shifted_s > config.length_s + STEP_S:
        return False
    return config.indexed or step_s <= max(LONGEST_GAP_S, GAP_INTERVALS * interval_s)


def _went_back(timeline: Timeline, shifted_s: float, step_s: float, interval_s: float) -> Timeline:
    if timeline.gap_s and abs(timeline.gap_s + step_s) <= STEP_S:
        # The gap was a jump of the clock, which is now undone: the pictures are ahead of the recording's time.
        missing_s = max(0.0, timeline.missing_s - (timeline.gap_s - interval_s))
        steps_s = tuple(one for one in timeline.steps_s if one != timeline.gap_s)
        undone = replace(timeline, steps_s=steps_s, gap_s=0.0, missing_s=missing_s)
        return replace(undone, stamp_s=shifted_s, jumps=timeline.jumps + 2)
    return _follows(timeline, shifted_s, interval_s)


def _follows(timeline: Timeline, shifted_s: float, interval_s: float) -> Timeline:
    """The stamps say nothing here: the picture follows the one before."""
    at_s = (timeline.last_s or 0.0) + interval_s
    jumped = replace(timeline, last_s=at_s, stamp_s=at_s, gap_s=0.0, jumps=timeline.jumps + 1)
    return replace(jumped, shift_s=timeline.shift_s + at_s - shifted_s, former_shift_s=timeline.shift_s)


def _length(config: TimelineConfig) -> float:
    return float("inf") if config.length_s is None else config.length_s
