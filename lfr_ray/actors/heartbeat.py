"""One process of a site, asked again and again how it is."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Generic

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import HEALTH, find_actor
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.ray_private import replica_loaded, row_of
from lfr_ray.actors.remote_matcher_and_models import CameraCalls
from lfr_ray.actors.start_or_join_ray import NAMESPACE
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.health import DeskSaid, Heard, MatcherSaid, ModelSaid, SaidT
from lfr_ray.structured_logs import get_logger

EVERY_S, ABSENT_EVERY_S = 0.5, 0.2
"""How often a process is asked, and how often it is looked for where there is none: it is about to be there again."""

FROZEN_S = 4.0
"""A process that has answered before and has not for so long is ended, so that it is started anew."""

CALM_S = 300.0
"""One that was ended is given twice as long, until it has answered for so long."""

SERVE_FROZEN_S = 8.0
"""Serve's own controller and proxies: the controller waits 5 s at a time for others."""

log = get_logger()


class Heartbeat(Generic[SaidT]):
    """One process, asked again as soon as it has answered; one that does not answer is asked once.

    Args:
        name: Of its actor.
        ask: Asks how it is, given a handle of it.
        capability: Shown to it; see ``caller_secret.py``.
        namespace: Of its actor.
        frozen_s: For so long it may be silent before it is ended.
        slower: A simulated site is asked so many times as seldom.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[Handle[Any]], Awaitable[SaidT]],
        capability: str = "",
        *,
        namespace: str = NAMESPACE,
        frozen_s: float = FROZEN_S,
        slower: float = 1.0,
    ) -> None:
        self._name = name
        self._capability = capability
        self._namespace = namespace
        self._ask = ask
        self.heard: Heard[SaidT] = Heard()
        self.actor: Any = None
        self._frozen = 0.0, 0.0
        self._every_s, self._absent_s = EVERY_S * slower, ABSENT_EVERY_S * slower
        self._usual_s = self._limit_s = frozen_s * slower
        self._ended_s = -math.inf

    async def run(self) -> None:
        """Follow it, for ever."""
        while True:
            asked_s, asked_at = time.monotonic(), time.time()
            try:
                # Beside the event loop: where Ray itself hangs, the others are followed all the same.
                self.actor = self.actor or await asyncio.to_thread(find_actor, self._name, self._namespace)
                if self.actor is not None:
                    said = await self._ask(Handle(self.actor, self._capability))
                    self.heard = Heard(said, asked_s, ahead_s=_ahead_s(said, asked_at, time.time()))
            except Exception:  # noqa: BLE001  (whatever became of it, it did not answer)
                self.actor = None
            if self.actor is None:
                self.heard = replace(self.heard, died=True)
            await asyncio.sleep(self._every_s if self.actor is not None else self._absent_s)

    def found_frozen(self, now_s: float) -> bool:
        """Whether it has loaded and has not answered for long. Said once; the next time it is given twice as long."""
        heard = self.heard
        if now_s - self._ended_s > CALM_S:
            self._limit_s = self._usual_s
        loading = heard.said is None or (isinstance(heard.said, ModelSaid) and not heard.said.loaded)
        if self.actor is None or loading or heard.age_s(now_s) <= self._limit_s:
            return False
        row = row_of(self.actor)
        began_at = row.get("Timestamp", 0.0) / 1000
        # One that is being started anew answers nobody, and one that has just begun has not been asked yet.
        silent = row.get("State") == "ALIVE" and abs(time.time() - began_at) > self._limit_s
        if not silent or (heard.asked_s, began_at) == self._frozen:
            return False
        self._frozen, self._ended_s = (heard.asked_s, began_at), now_s
        self._limit_s *= 2
        return True


def _ahead_s(said: object, asked_at: float, answered_at: float) -> float:
    """By how much at the least another machine's clock is ahead, or behind: it said its time between these two.

    >>> from lfr_ray.health import MatcherSaid
    >>> [_ahead_s(MatcherSaid(clock_at=at), 100.0, 101.0) for at in (221.0, 100.5, 40.0)]
    [120.0, 0.0, -60.0]
    """
    at = getattr(said, "clock_at", 0.0) or asked_at
    return max(0.0, at - answered_at) + min(0.0, at - asked_at)


async def ask_camera(camera: Handle[CameraCalls]) -> CameraStatus:
    """How a camera is."""
    return await camera.ask(CameraCalls.status)


async def ask_matcher(matcher: Handle[MatcherCalls]) -> MatcherSaid:
    """How the matcher is, while it compares."""
    return await matcher.in_group(HEALTH).ask(MatcherCalls.said)


async def ask_desk(desk: Handle[DeskCalls]) -> DeskSaid:
    """How the desk is, while it writes."""
    return await desk.in_group(HEALTH).ask(DeskCalls.said)


async def ask_replica(replica: Handle[Any]) -> ModelSaid:
    """How a process of a deployment is, whatever waits for it."""
    return ModelSaid(await replica_loaded(replica.remote))


async def ask_controller(controller: Handle[Any]) -> ModelSaid:
    """Whether Serve's controller answers."""
    await controller.remote.check_alive.remote()
    return ModelSaid(loaded=True)


async def ask_proxy(proxy: Handle[Any]) -> ModelSaid:
    """Whether one of Serve's proxies answers."""
    return ModelSaid(await proxy.remote.check_health.remote())
