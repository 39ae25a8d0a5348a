"""What the fleet does every few seconds: it passes every camera's counts to the desk, and wakes the matcher."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping

from lfr_ray.actors.protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.rpc import Handle
from lfr_ray.actors.stages import CameraCalls
from lfr_ray.camera.reader import CameraStatus, faults_of
from lfr_ray.govern.counters import counters_of

PASS_ON_EVERY_S = 5.0
ANSWER_S = 3.0
ERASING_S = 60.0
"""The desk may have alerts to destroy, which takes its time."""


class PeriodicWork:
    """Measures how long each camera saw and was blind, and keeps desk and matcher up to date.

    Args:
        matcher: The matcher actor.
        desk: The desk actor.
    """

    def __init__(self, matcher: Handle[MatcherCalls], desk: Handle[DeskCalls]) -> None:
        self._matcher = matcher
        self._desk = desk
        self._watched_s: dict[str, float] = defaultdict(float)
        self._blind_s: dict[str, float] = defaultdict(float)
        self._statuses: Mapping[str, CameraStatus] = {}
        self._last_s = self._passed_on_s = time.monotonic()

    async def tick(self, statuses: Mapping[str, CameraStatus], cameras: Mapping[str, Handle[CameraCalls]]) -> None:
        """To be called about once a second.

        Args:
            statuses: Every camera's state, by name.
            cameras: Every living camera actor, by name.
        """
        now_s, self._statuses = time.monotonic(), statuses
        for name, status in statuses.items():
            spent = {"live": self._watched_s, "blind": self._blind_s}.get(status.state)
            if spent is not None:
                spent[name] += now_s - self._last_s
        self._last_s = now_s
        if now_s - self._passed_on_s >= PASS_ON_EVERY_S:
            self._passed_on_s = now_s
            await self.pass_on(cameras)

    async def pass_on(self, cameras: Mapping[str, Handle[CameraCalls]]) -> None:
        """Every camera's counts, now: also the last thing before the site ends."""
        replies = (camera.ask(CameraCalls.snapshot).within(ANSWER_S) for camera in cameras.values())
        counted = await asyncio.gather(*replies)
        seen = {
            name: counters_of(
                one,
                name,
                self._watched_s[name],
                self._blind_s[name],
                expected=self._statuses[name].expected,
                problems=faults_of(self._statuses[name]),
            )
            for name, one in zip(cameras, counted, strict=True)
            if one is not None and name in self._statuses
        }
        await asyncio.gather(
            self._matcher.ask(MatcherCalls.tick).within(ANSWER_S),
            self._desk.ask(DeskCalls.keep_up, seen).within(ERASING_S),
        )
