"""A recording's timeline while it is read, and what of it is missing."""

from __future__ import annotations

from lfr_ray.camera.footage_interface import SourceCounts, SourceInfo
from lfr_ray.camera.video_timestamps import (
    STEPS,
    Timeline,
    TimelineConfig,
    end_s,
    interval,
    is_missing,
    missing_at_end_s,
    place,
)

DEFAULT_INTERVAL_S = 0.04
"""Of a recording that does not say how many pictures a second it has."""


HOLE_SHARE, HOLE_S = 0.1, 0.0025
"""A step is of whole intervals when it is as near to them as this share of one, or as stamps are rounded."""

RATE_STEPS = 3
"""So many longer steps of one length on end are another rate."""


class Holes:
    """Gaps of whole intervals in an even recording: pictures that were dropped, or that nobody took.

    Where steps of other lengths come, or longer ones on end, the rate varies, and a gap says nothing.

    >>> even = Holes()
    >>> for step_s in [0.04] * 9 + [0.12] + [0.04] * 5:
    ...     even.step(step_s, 0.04)
    >>> even.pictures()
    2
    """

    def __init__(self) -> None:
        self._first: list[float] = []
        self._even = True
        self._intervals = self._alike = self._pictures = 0

    def step(self, step_s: float, interval_s: float) -> None:
        """From one picture to the next; a step of 0 is one of which all is told."""
        steps = [step_s]
        if len(self._first) < STEPS:
            self._first.append(step_s)
            steps = self._first if len(self._first) == STEPS else []
        for one in steps:
            self._take(one, interval_s)

    def _take(self, step_s: float, interval_s: float) -> None:
        intervals = round(step_s / interval_s)
        if abs(step_s - intervals * interval_s) > max(HOLE_S, HOLE_SHARE * interval_s):
            self._even = False
        if intervals == self._intervals:
            self._alike += 1
            return
        if self._alike < RATE_STEPS:
            self._pictures += max(0, self._intervals - 1) * self._alike
        self._intervals, self._alike = intervals, 1

    @property
    def even(self) -> bool:
        """Whether the recording is known to be an even one."""
        return self._even and len(self._first) == STEPS

    def pictures(self) -> int:
        """How many are possibly missing."""
        return self._pictures if self._even else 0


class RecordingTime:
    """The times of one recording's pictures, from its first to its last.

    What is missing is counted in ``counts``.
    """

    def __init__(self, info: SourceInfo, counts: SourceCounts) -> None:
        self._stills = info.stills
        interval_s = 1.0 / info.fps if info.fps > 0 else DEFAULT_INTERVAL_S
        self._config = TimelineConfig(interval_s, info.length_s, info.indexed)
        self._timeline = Timeline()
        self._counts = counts
        self._corrupt = 0
        self._gaps: list[tuple[float, float]] = []
        self._holes = Holes()

    def place(self, stamp_s: float | None) -> float:
        """When the next picture was taken, seconds from the recording's start."""
        before = self._timeline
        damaged = self._counts.corrupt > self._corrupt
        self._corrupt = self._counts.corrupt
        now = self._timeline = place(self._config, before, stamp_s, damaged)
        self._counts.missing_s = now.missing_s
        self._counts.seconds = end_s(self._config, now)
        if now.missing_s > before.missing_s and is_missing(
            now.stamp_s - before.stamp_s, interval(self._config, before), damaged=False
        ):
            self._gaps.append((before.stamp_s, now.stamp_s))
        elif now.missing_s < before.missing_s:
            self._gaps.pop()
        if before.last_s is not None and now.steps_s:
            told = damaged or now.missing_s > before.missing_s
            self._holes.step(0.0 if told else now.stamp_s - before.stamp_s, interval(self._config, now))
        assert now.last_s is not None
        return now.last_s

    def finish(self) -> float:
        """The recording was read to its end: its length, seconds."""
        if self._stills:
            return self._counts.seconds
        if not self._timeline.jumps:
            self._counts.possibly_dropped = self._holes.pictures()
        for began_s, ended_s in self._gaps:
            self._counts.report(f"no picture from {began_s:.1f} s to {ended_s:.1f} s")
        if self._timeline.jumps:
            self._counts.report(f"the time stamps jump ({self._timeline.jumps}x); the pictures' times are estimated")
        expected = self._counts.expected
        incomplete = self._holes.even if expected is None else self._counts.decoded + 1 < expected
        missing_s = missing_at_end_s(self._config, self._timeline, incomplete=incomplete)
        self._count_lost(missing_s)
        if missing_s:
            self._counts.missing_s += missing_s
            self._counts.report(f"the last {missing_s:.1f} s of {self._config.length_s:.1f} s are missing")
            self._counts.seconds += missing_s
        elif self._config.length_s is not None and self._config.indexed:
            self._counts.seconds = max(self._timeline.last_s or 0.0, self._config.length_s)
        if self._counts.corrupt or self._counts.missing_s:
            self._counts.possibly_dropped = 0  # what is sure has been told
        return self._counts.seconds

    def _count_lost(self, at_end_s: float) -> None:
        """Pictures that should be there and were not decoded, although nobody called them damaged."""
        lost = (self._counts.expected or 0) - self._counts.decoded
        elsewhere = lost - at_end_s / interval(self._config, self._timeline)
        if lost == 1 and not self._counts.corrupt:
            self._counts.possibly_dropped = max(1, self._counts.possibly_dropped)
        if lost > 1 and elsewhere > max(1.0, 0.01 * lost) and not self._counts.corrupt:
            self._counts.corrupt += round(elsewhere)
            self._counts.missing_s += min(self._timeline.uneven_s, elsewhere * interval(self._config, self._timeline))
