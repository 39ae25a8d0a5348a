"""The fleet: keeps the wanted cameras running."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import structlog
from ray import serve

from lfr_ray.actors.launch import camera_actor, desk_actor, is_going_away, matcher_actor, stop_actors
from lfr_ray.actors.names import Names
from lfr_ray.actors.protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.remote_models import RemoteDetector, models_ready, remote_embedders
from lfr_ray.actors.rpc import Handle
from lfr_ray.actors.schedule import PeriodicWork
from lfr_ray.actors.stages import CameraCalls, RemoteStages
from lfr_ray.camera.reader import CameraStatus
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.metrics import Snapshot
from lfr_ray.models.catalogue import card
from lfr_ray.models.runtime import SelfTest

TICK_S = 1.0
ANSWER_S = 3.0
"""A camera that does not answer in this time is shown as it was last seen."""

SILENT_S = 10.0
"""A camera that has not answered for so long is shown as blind."""

log = structlog.get_logger()


class FleetReplica:
    """One replica, which adds to Serve what Serve does not do for actors.

    * It finds living actors again after its own restart, and makes those that are missing.
    * It passes on, now and then, what the cameras counted.
    * It renews every camera's lease: a camera whose fleet is gone stops by itself.
    * It ends cameras, matcher and desk when the application is deleted, not when only the fleet restarts.
    """

    async def __init__(  # type: ignore[misc]  # Serve awaits it
        self, site: SiteConfig, detector: Any, embedder: Any, second: Any = None
    ) -> None:
        self._site = site
        # What follows takes its time: those that run already are held, and the others load meanwhile.
        for camera in site.cameras:
            camera_actor(site, camera).ask(CameraCalls.hold)
        self._desk = desk_actor(site)
        self._matcher = matcher_actor(site)
        # Loading what opens the watchlist takes seconds as well.
        from lfr_ray.enrol.site_watchlist import import_watchlist
        from lfr_ray.site.open import open_store

        self._app = serve.get_replica_context().app_name
        detect: Handle[DetectorCalls] = Handle(detector)
        embed: Handle[EmbedderCalls] = Handle(embedder)
        embed_second: Handle[EmbedderCalls] | None = None if second is None else Handle(second)
        models = (detect, embed) if embed_second is None else (detect, embed, embed_second)
        self._self_tests = await models_ready(site, *models)
        self._import_notes: list[str] = []
        if site.watchlist:
            self._import_notes = await asyncio.to_thread(
                import_watchlist,
                site,
                open_store(site),
                RemoteDetector(card(site.detector.model), detect),
                remote_embedders(site, embed, embed_second),
                time.time(),
            )
        await self._matcher.ask(MatcherCalls.ready)
        await self._desk.ask(DeskCalls.ready)
        self._stages = RemoteStages(detect, embed, self._matcher, self._desk, embed_second)
        self._periodic = PeriodicWork(self._matcher, self._desk)
        self._statuses: dict[str, CameraStatus] = {}
        self._answered_s: dict[str, float] = {}
        self._living: dict[str, Handle[CameraCalls]] = {}
        self._tasks = (asyncio.create_task(self._keep()), asyncio.create_task(self._pass_on()))

    async def cameras(self) -> list[CameraStatus]:
        """Every camera's state, in the order of the site file."""
        return [self._status(one.name) for one in self._site.cameras if one.name in self._statuses]

    async def self_tests(self) -> list[SelfTest]:
        """What the models' replicas measured when they started."""
        return self._self_tests

    async def import_notes(self) -> list[str]:
        """What people should look at of the watchlist folder that was imported at the start."""
        return self._import_notes

    async def snapshots(self) -> list[Snapshot]:
        """Counters of every camera, the matcher and the desk."""
        found = [Names(self._site.site).find_camera(one.name) for one in self._site.cameras]
        replies = [camera.ask(CameraCalls.snapshot) for camera in found if camera is not None]
        replies += [self._matcher.ask(MatcherCalls.snapshot), self._desk.ask(DeskCalls.snapshot)]
        counted = await asyncio.gather(*(reply.within(ANSWER_S) for reply in replies))
        return [one for one in counted if one is not None]

    async def check_health(self) -> None:
        """Serve asks; a fleet whose keeper has died is replaced."""
        if any(task.done() for task in self._tasks):
            raise RuntimeError("the camera keeper has ended")

    def _status(self, name: str) -> CameraStatus:
        """As the camera said last; blind where it has said nothing for too long."""
        status, silent_s = self._statuses[name], time.monotonic() - self._answered_s[name]
        if silent_s < SILENT_S or status.state == "ended":
            return status
        since = status.blind_since if status.state == "blind" else time.time() - silent_s
        return replace(status, state="blind", blind_since=since, fps=0.0, problem="its process does not answer")

    async def _keep(self) -> None:
        while True:
            kept = await asyncio.gather(*(self._keep_one(camera) for camera in self._site.cameras))
            self._living = {camera.name: actor for camera, actor in zip(self._site.cameras, kept, strict=True) if actor}
            await asyncio.sleep(TICK_S)

    async def _pass_on(self) -> None:
        """Beside the keeping: destroying alerts may take a minute, and leases must be renewed meanwhile."""
        while True:
            try:
                await self._periodic.tick({one.name: one for one in await self.cameras()}, self._living)
            except Exception as error:  # noqa: BLE001  (as above)
                log.warning("passing on failed", error=type(error).__name__)
            await asyncio.sleep(TICK_S)

    async def _keep_one(self, camera: CameraConfig) -> Handle[CameraCalls] | None:
        """Make or find one camera and renew its lease; the actor, or None when that failed."""
        try:
            actor = camera_actor(self._site, camera)
            status = await actor.ask(CameraCalls.renew, self._stages).within(ANSWER_S)
        except Exception as error:  # noqa: BLE001  (one camera's trouble must not end the keeping of the others)
            log.warning("camera actor failed", camera=camera.name, error=type(error).__name__)
            return None
        if status is not None:
            self._statuses[camera.name], self._answered_s[camera.name] = status, time.monotonic()
        return actor

    async def __del__(self) -> None:
        """Serve's graceful end: of this replica alone, or of the whole application."""
        for task in getattr(self, "_tasks", ()):
            task.cancel()
        if await asyncio.to_thread(is_going_away, self._app):
            await stop_actors(self._site, getattr(self, "_periodic", None))
