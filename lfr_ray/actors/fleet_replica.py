"""The fleet: keeps the wanted cameras running, and the matcher and the desk behind them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import Any

from ray import serve

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.actors.actor_names import DETECTOR, EMBEDDER, SECOND_EMBEDDER, Names
from lfr_ray.actors.actor_protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.fleet_rounds import PeriodicWork, make_and_hold, until_done
from lfr_ray.actors.fleet_watchlist import FleetList
from lfr_ray.actors.health_watch import SiteWatch
from lfr_ray.actors.heartbeat import EVERY_S
from lfr_ray.actors.process_counters import Counted
from lfr_ray.actors.ray_private import noted
from lfr_ray.actors.remote_models import RemoteDetector, models_ready, remote_embedders
from lfr_ray.actors.replace_actors import is_going_away, stop_actors
from lfr_ray.config import SiteConfig
from lfr_ray.errors import LfrError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.metrics import Snapshot
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.device_and_self_test import SelfTest
from lfr_ray.structured_logs import get_logger

TICK_S = 1.0

log = get_logger()


class FleetReplica(FleetList):
    """One replica, which adds to Serve what Serve does not do for actors.

    * It finds living actors again after its own restart, and makes those that are missing.
    * It replaces those that have the configuration of an earlier deployment: the desk, the matcher, then the cameras.
    * It ends processes that are frozen, so that they are started anew.
    * It passes on, now and then, what the cameras counted.
    * It renews every camera's lease: a camera whose fleet is gone stops by itself.
    * It ends cameras, matcher and desk when the application is deleted, not when only the fleet restarts.
    """

    async def __init__(  # type: ignore[misc]  # Serve awaits it
        self, site: SiteConfig, detector: Any, embedder: Any, second: Any = None
    ) -> None:
        self._site, has_run = site, noted(site.site) == digest_of(site)
        runs_already = has_run or bool(Names(site.site).listed_cameras())
        # What follows takes its time: those that run already are held, and the others load meanwhile.
        self._tasks = [holding := asyncio.create_task(make_and_hold(site))]
        await asyncio.sleep(0)
        # Loading what opens the watchlist takes seconds as well.
        from lfr_ray.enrol.site_watchlist import import_watchlist
        from lfr_ray.site.open_site import open_store

        self._app, self._import_notes = serve.get_replica_context().app_name, list[str]()
        self._watch = SiteWatch(site, self._app).start()
        detect, embed = Handle[DetectorCalls](detector), Handle[EmbedderCalls](embedder)
        embed_second: Handle[EmbedderCalls] | None = None if second is None else Handle(second)
        named = {DETECTOR: detect, EMBEDDER: embed, SECOND_EMBEDDER: embed_second}
        models: dict[str, Handle[Any]] = {name: one for name, one in named.items() if one is not None}
        self._enrolling = RemoteDetector(card(site.detector.model), detect), remote_embedders(site, embed, embed_second)
        self._keeper = Keeper(site, detect, embed, embed_second)
        expected = (LfrError,) if runs_already else ()

        async def open_all() -> None:
            self._self_tests = await models_ready(site, *models.values())
            if site.watchlist:
                import_now = partial(import_watchlist, site, open_store(site), *self._enrolling, time.time())
                self._import_notes = await asyncio.to_thread(import_now)
            await self._keeper.keep_desk_and_matcher()
            # A site that runs is not ended by what cannot be opened: it says why, and goes on trying.
            with contextlib.suppress(*expected):
                await self._keeper.matcher.ask(MatcherCalls.ready)
                await self._keeper.desk.ask(DeskCalls.ready)

        await until_done(open_all, partial(noted, f"{site.site}/waits"), again=has_run)
        noted(site.site, digest_of(site))
        self._periodic = PeriodicWork(self._keeper)
        self._counted = Counted(self._keeper, models, self._watch.replicas)
        work = (self._keep(), self._pass_on(), self._end_frozen())
        self._tasks = [asyncio.create_task(one) for one in work]
        holding.cancel()

    async def self_tests(self) -> list[SelfTest]:
        """What the models' replicas measured when they started."""
        return self._self_tests

    async def import_notes(self) -> list[str]:
        """What people should look at of the watchlist folder that was imported at the start."""
        return self._import_notes

    async def snapshots(self) -> list[Snapshot]:
        """Counters of every process."""
        return await self._counted.snapshots()

    async def set_focus(self, camera: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        """Set where a camera looks."""
        await self._keeper.set_focus(camera, focus, by=by, reason=reason)

    async def check_health(self) -> None:
        """Serve asks; a fleet whose keeper has died is replaced."""
        if any(task.done() for task in self._tasks):
            raise RuntimeError("the camera keeper has ended")

    async def _keep(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                await self._keeper.tick(self._watch.nodes.refused)
            except Exception as error:  # noqa: BLE001  (the next tick tries again)
                log.warning("keeping failed", error=type(error).__name__)
            await asyncio.sleep(max(0.1, began_s + TICK_S - time.monotonic()))

    async def _pass_on(self) -> None:
        """Beside the keeping: destroying alerts may take a minute, and leases must be renewed meanwhile."""
        while True:
            try:
                heard = {name: one.heard.said for name, one in self._watch.cameras.items()}
                said = {name: one for name, one in heard.items() if one is not None}
                await self._periodic.tick(self._watch.health().cameras, said)
            except Exception as error:  # noqa: BLE001  (as above)
                log.warning("passing on failed", error=type(error).__name__)
            await asyncio.sleep(TICK_S)

    async def _end_frozen(self) -> None:
        """Beside both, which wait for those that are frozen."""
        while True:
            await asyncio.sleep(EVERY_S)
            with contextlib.suppress(Exception):
                await asyncio.to_thread(self._watch.end_frozen)

    async def stop(self) -> None:
        """End cameras, matcher and desk in order."""
        for task in getattr(self, "_tasks", ()):
            task.cancel()
        await stop_actors(self._site, getattr(self, "_periodic", None))

    async def __del__(self) -> None:
        """Serve's graceful end: of this replica alone, or of the whole application."""
        if await asyncio.to_thread(is_going_away, self._app):
            await self.stop()
        for task in getattr(self, "_tasks", ()):
            task.cancel()
