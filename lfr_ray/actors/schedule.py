"""What the fleet passes on now and then: every camera's counts to the desk, and a look around to the matcher."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from lfr_ray.actors.rpc import answer_within
from lfr_ray.camera.reader import CameraStatus
from lfr_ray.govern.counters import counters_of

PASS_ON_EVERY_S = 5.0
ANSWER_S = 3.0
UPKEEP_S = 60.0
"""Destroying alerts takes its time."""


class PeriodicWork:
    """Measures how long each camera saw and was blind, and keeps desk and matcher up to date.

    Args:
        matcher: The matcher actor.
        desk: The desk actor.
    """

    def __init__(self, matcher: Any, desk: Any) -> None:
        self._matcher = matcher
        self._desk = desk
        self._watched_s: dict[str, float] = defaultdict(float)
        self._blind_s: dict[str, float] = defaultdict(float)
        self._last_s = self._passed_on_s = time.monotonic()

    async def tick(self, statuses: Mapping[str, CameraStatus], cameras: Mapping[str, Any]) -> None:
        """To be called about once a second.

        Args:
            statuses: Every camera's state, by name.
            cameras: Every living camera actor, by name.
        """
        now_s = time.monotonic()
        for name, status in statuses.items():
            spent = {"live": self._watched_s, "blind": self._blind_s}.get(status.state)
            if spent is not None:
                spent[name] += now_s - self._last_s
        self._last_s = now_s
        if now_s - self._passed_on_s >= PASS_ON_EVERY_S:
            self._passed_on_s = now_s
            await self.pass_on(cameras)

    async def pass_on(self, cameras: Mapping[str, Any]) -> None:
        """Every camera's counts, now: also the last thing before the site ends."""
        names = list(cameras)
        counted = await asyncio.gather(*(answer_within(cameras[name].snapshot.remote(), ANSWER_S) for name in names))
        seen = {
            name: counters_of(one, name, self._watched_s[name], self._blind_s[name])
            for name, one in zip(names, counted, strict=True)
            if one is not None
        }
        await asyncio.gather(
            answer_within(self._matcher.tick.remote(), ANSWER_S),
            answer_within(self._desk.keep_up.remote(seen), UPKEEP_S),
        )
