"""What the fleet does every few seconds: it passes every camera's counts to the desk, and wakes the matcher."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.launch_actors import camera_actor, desk_actor, matcher_actor
from lfr_ray.actors.remote_matcher_and_models import CameraCalls
from lfr_ray.camera.camera_reader import CameraStatus, faults_of
from lfr_ray.config import SiteConfig
from lfr_ray.errors import LfrError
from lfr_ray.govern.face_counters import counters_of
from lfr_ray.health import BLIND, LIVE, CameraHealth
from lfr_ray.structured_logs import get_logger

if TYPE_CHECKING:
    from lfr_ray.actors.actor_keeper import Keeper

log = get_logger()

PASS_ON_EVERY_S = 5.0
ANSWER_S = 3.0
HOLD_S = 20.0
"""A part of a camera's lease; to wait for models may take longer than that."""

AGAIN_S = 2.0
"""What is missing at the start of a site that has run before is looked for so often."""

ERASING_S = 60.0
"""The desk may have alerts to destroy, which takes its time."""


async def make_and_hold(site: SiteConfig) -> None:
    """Make what is missing of a site's actors, and renew its cameras' leases until cancelled: nobody else does yet."""
    while True:
        try:
            for camera in site.cameras:
                camera_actor(site, camera).ask(CameraCalls.hold)
            desk_actor(site)
            matcher_actor(site)
        except Exception as error:  # noqa: BLE001  (the next round tries again)
            log.warning("holding the cameras failed", error=type(error).__name__)
        await asyncio.sleep(HOLD_S)


async def until_done(work: Callable[[], Awaitable[None]], tell: Callable[[str], object], *, again: bool) -> None:
    """Do something, and ``again`` until it is done: Serve gives up for ever a fleet whose start has failed.

    That is right for a site that has not run yet: what is wrong is told. One whose head was lost waits for what is
    not there yet, such as nodes with the models, a database, a bucket; ``tell`` is told why, and "-" at the end.
    """
    while True:
        try:
            await work()
            tell("-")
            return
        except Exception as error:
            if not again:
                raise
            told = str(error) if isinstance(error, LfrError) else type(error).__name__
            log.warning("the site has run before and waits", error=told)
            tell(told)
            await asyncio.sleep(AGAIN_S)


class PeriodicWork:
    """Measures how long each camera saw and was blind, and keeps desk and matcher up to date.

    Args:
        keeper: Has the living actors.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._watched_s: dict[str, float] = defaultdict(float)
        self._blind_s: dict[str, float] = defaultdict(float)
        self._statuses: Mapping[str, CameraStatus] = {}
        self._refusal = ""
        self._states: Mapping[str, str] = {}
        self._last_s = self._passed_on_s = time.monotonic()

    async def tick(self, states: Mapping[str, CameraHealth], statuses: Mapping[str, CameraStatus]) -> None:
        """To be called about once a second.

        Args:
            states: How every camera is, by name.
            statuses: What those said that have answered.
        """
        now_s, self._statuses = time.monotonic(), statuses
        for name, health in states.items():
            spent = {LIVE: self._watched_s, BLIND: self._blind_s}.get(health.state)
            if spent is not None:
                spent[name] += now_s - self._last_s
        self._last_s = now_s
        self._refusal = next((one.refusal for one in states.values() if one.refusal), "")
        self._states = {name: one.state for name, one in states.items()}
        if now_s - self._passed_on_s >= PASS_ON_EVERY_S:
            self._passed_on_s = now_s
            await self.pass_on(self._keeper.cameras)

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
                run=self._statuses[name].run,
            )
            for name, one in zip(cameras, counted, strict=True)
            if one is not None and name in self._statuses
        }
        await asyncio.gather(
            self._keeper.matcher.ask(MatcherCalls.tick).within(ANSWER_S),
            self._keeper.desk.ask(DeskCalls.keep_up, seen, self._refusal, self._states).within(ERASING_S),
        )
