"""Time as an argument: the two clocks, and one that tests move by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import datetime, timezone
from typing import Protocol, TypeVar

ResultT = TypeVar("ResultT")

CAMERA_AHEAD = "the picture is stamped later than this machine's clock"
"""Why nothing of a camera is compared whose machine's clock is wrong, or ours."""


class Clock(Protocol):
    """Where time comes from. Decisions take seconds; only processes hold a clock.

    Attributes:
        slower: So many seconds pass while the steady clock counts one.
    """

    slower: float

    def wall_s(self) -> float:
        """Seconds since 1970 UTC: for records, expiry and authority."""

    def steady_s(self) -> float:
        """Seconds that never run backwards: for latency, back-off and cooldowns."""


class SystemClock:
    """The machine's clocks."""

    slower = 1.0

    def wall_s(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()

    def steady_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()


class FakeClock:
    """A clock that moves only when told.

    >>> clock = FakeClock(wall_s=100.0)
    >>> clock.advance(2.5)
    >>> clock.wall_s()
    102.5
    """

    slower = 1.0

    def __init__(self, wall_s: float = 1_700_000_000.0, steady_s: float = 1_000.0) -> None:
        self._wall_s = wall_s
        self._steady_s = steady_s

    def wall_s(self) -> float:
        """The wall time that was set."""
        return self._wall_s

    def steady_s(self) -> float:
        """The steady time that was set."""
        return self._steady_s

    def advance(self, by_s: float) -> None:
        """Move both clocks forward by ``by_s`` seconds."""
        self._wall_s += by_s
        self._steady_s += by_s

    def set_wall_s(self, wall_s: float) -> None:
        """Set the wall clock alone, as an operator or a faulty time server would."""
        self._wall_s = wall_s


class SlowClock:
    """A steady clock that runs so many times as slowly; the wall clock beside it does not.

    What goes by it decides as at full speed, however long everything takes.

    >>> SlowClock(FakeClock(steady_s=50.0), slower=10.0).steady_s()
    5.0
    """

    def __init__(self, clock: Clock, slower: float) -> None:
        self._clock, self.slower = clock, slower

    def wall_s(self) -> float:
        """As of the clock that it slows down."""
        return self._clock.wall_s()

    def steady_s(self) -> float:
        """So many times as few seconds."""
        return self._clock.steady_s() / self.slower


async def sleep_by(clock: Clock, for_s: float) -> None:
    """Sleep until the steady clock has counted so many seconds."""
    await asyncio.sleep(for_s * clock.slower)


async def wait_by(clock: Clock, work: Awaitable[ResultT], limit_s: float | None) -> ResultT:
    """What the work gives, or its end as soon as the steady clock has counted so many seconds.

    Raises:
        asyncio.TimeoutError: It took longer.
    """
    return await asyncio.wait_for(work, None if limit_s is None else limit_s * clock.slower)


def utc_text(wall_s: float) -> str:
    """ISO 8601 in UTC to the millisecond.

    >>> utc_text(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    moment = datetime.fromtimestamp(wall_s, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_utc(text: str) -> float:
    """Seconds since 1970 from ISO 8601; a date alone means its first moment in UTC.

    Raises:
        ValueError: ``text`` is not a date or a date and time.

    >>> parse_utc("1970-01-02")
    86400.0
    >>> parse_utc("1970-01-01T01:00:00+01:00")
    0.0
    """
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def backoff_s(failures: int, *, first_s: float, longest_s: float, draw: float = 1.0) -> float:
    """The pause before the next attempt after 1 or more failures in a row: it doubles with each, up to a limit.

    ``draw`` is the share of it that is taken, 0 to 1: a random one spreads those who failed in the same moment.

    >>> [backoff_s(failures, first_s=0.5, longest_s=30.0) for failures in (1, 2, 3, 7, 1000)]
    [0.5, 1.0, 2.0, 30.0, 30.0]
    """
    # The exponent is bounded because 2.0 ** 1024 overflows.
    return draw * min(longest_s, first_s * 2.0 ** min(failures - 1, 32))
