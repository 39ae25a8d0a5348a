"""A lease: whoever is not wanted any more ends by itself."""

from __future__ import annotations

import asyncio

from lfr_ray.clock import Clock

LOOK_S = 1.0


class Lease:
    """Runs from its first renewal on; never renewed, it never expires.

    >>> from lfr_ray.clock import FakeClock
    >>> clock = FakeClock()
    >>> lease = Lease(60.0, clock)
    >>> lease.renew()
    >>> clock.advance(61.0)
    >>> lease.expired
    True
    """

    def __init__(self, limit_s: float, clock: Clock) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._renewed_s: float | None = None

    def renew(self) -> None:
        """Somebody wants it."""
        self._renewed_s = self._clock.steady_s()

    @property
    def expired(self) -> bool:
        """Nobody has wanted it for longer than the limit."""
        return self._renewed_s is not None and self._clock.steady_s() - self._renewed_s > self._limit_s

    async def run_out(self) -> None:
        """Wait until it has expired."""
        while not self.expired:  # noqa: ASYNC110  (a clock makes no event)
            await asyncio.sleep(LOOK_S)
