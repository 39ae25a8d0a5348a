"""Asks every process of a site again and again how it is: nobody who wants to know waits for one that is frozen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lfr_ray.actors.actor_names import (
    CONTROLLER,
    DETECTOR,
    EMBEDDER,
    FLEET,
    INGRESS,
    PROXY,
    SECOND_EMBEDDER,
    SERVE,
    Names,
    replicas,
)
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.heartbeat import (
    EVERY_S,
    FROZEN_S,
    SERVE_FROZEN_S,
    Heartbeat,
    ask_camera,
    ask_controller,
    ask_desk,
    ask_matcher,
    ask_proxy,
    ask_replica,
)
from lfr_ray.actors.kill_on_its_node import kill_on_its_node
from lfr_ray.actors.node_watch import NodeWatch
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.camera.simulated_frames import asked_seldom
from lfr_ray.config import SiteConfig
from lfr_ray.health import DeskSaid, MatcherSaid, ModelSaid, SiteHealth, SiteHeard, site_health
from lfr_ray.structured_logs import get_logger

LATE_S = 3.0
"""Whoever looks so late stood still himself. Then, or where most are silent, the machine is slow and none is frozen."""

STOP_S = 2.0

SERVES_OWN = {CONTROLLER: (ask_controller, SERVE_FROZEN_S), PROXY: (ask_proxy, SERVE_FROZEN_S)}

log = get_logger()


class SiteWatch:
    """What every process said last, and how the site is by that.

    Args:
        site: The site as it should be.
        application: Serve's name of it.
    """

    def __init__(self, site: SiteConfig, application: str) -> None:
        self._site = site
        self._application = application
        names, self._slower = Names.of(site), asked_seldom(site.cameras)
        shown, slower = names.capability, self._slower
        self.cameras: dict[str, Heartbeat[CameraStatus]] = {
            one.name: Heartbeat(names.camera(one.name), ask_camera, shown, slower=slower) for one in site.cameras
        }
        self.matcher: Heartbeat[MatcherSaid] = Heartbeat(names.matcher, ask_matcher, shown, slower=slower)
        self.desk: Heartbeat[DeskSaid] = Heartbeat(names.desk, ask_desk, shown, slower=slower)
        models = {DETECTOR: site.detector, EMBEDDER: site.embedder, SECOND_EMBEDDER: site.second_embedder}
        self._least = {name: one.replicas for name, one in models.items() if one is not None}
        self.replicas: dict[str, dict[str, Heartbeat[ModelSaid]]] = {
            name: {} for name in (*self._least, FLEET, INGRESS, *SERVES_OWN)
        }
        self._wanted = {one.name: digest_of(site, one) for one in site.cameras}
        self._wanted_of_site = digest_of(site)
        self.nodes, self._looked_s = NodeWatch(site, application), 0.0
        self._began = threading.Event()

    def start(self) -> SiteWatch:
        """Begin, in a thread of its own that ends with the process: it must not depend on whoever asks."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="site-watch", daemon=True)
        self._thread.start()
        self._began.wait(STOP_S)
        return self

    def stop(self) -> None:
        """Ask nobody any more: before Ray ends in this process."""
        self._loop.call_soon_threadsafe(self._running.cancel)
        self._thread.join(STOP_S)

    async def _run(self) -> None:
        followed = (*self.cameras.values(), self.matcher, self.desk)
        self._loop = asyncio.get_running_loop()
        self._running = asyncio.gather(self._follow_replicas(), self.nodes.run(), *(one.run() for one in followed))
        self._began.set()
        with suppress(asyncio.CancelledError):
            await self._running

    def heard(self) -> SiteHeard:
        """What every process said last."""
        cameras = {name: one.heard for name, one in self.cameras.items()}
        said = {"matcher": self.matcher.heard.said, "desk": self.desk.heard.said}
        outdated = [name for name, one in said.items() if one is not None and one.digest != self._wanted_of_site]
        outdated += [name for name, one in cameras.items() if one.said and one.said.digest != self._wanted[name]]
        found = {name: [one.heard for one in list(some.values())] for name, some in self.replicas.items()}
        fleet, controller, _, _ = (found.pop(one) for one in (FLEET, CONTROLLER, INGRESS, PROXY))
        both, nodes = (self.matcher.heard, self.desk.heard), self.nodes
        return SiteHeard(cameras, found, self._least, fleet, *both, outdated, controller, nodes.refused, nodes.lacking)

    def health(self) -> SiteHealth:
        """How the site is now."""
        return site_health(self.heard(), time.monotonic(), time.time())

    def end_frozen(self, only: str = "") -> None:
        """End processes that are newly found frozen: somebody makes them anew. To be called about once a second.

        Args:
            only: Of this deployment; empty: of all.
        """
        now_s = time.monotonic()
        late, self._looked_s = now_s - self._looked_s > LATE_S, now_s
        replicas = [(name, one) for name, some in self.replicas.items() for one in list(some.values())]
        both = [("matcher", self.matcher), ("desk", self.desk)]
        named: Sequence[tuple[str, Heartbeat[Any]]] = [*self.cameras.items(), *both, *replicas]
        if late or 2 * sum(1 for _, one in named if one.heard.fault(now_s)) > len(named):
            return
        for name, one in named:
            if only in ("", name) and one.found_frozen(now_s):
                log.warning("a process is frozen and is ended", process=name)
                kill_on_its_node(one.actor)

    async def _follow_replicas(self) -> None:
        """Take up new processes of the deployments, and drop those that are gone."""
        tasks: dict[str, asyncio.Task[None]] = {}
        while True:
            with suppress(Exception):  # Ray's own table does not answer: what is known stays
                present = await asyncio.to_thread(replicas, self._application)
                for name, known in self.replicas.items():
                    for gone in known.keys() - present.get(name, set()):
                        del known[gone]
                        tasks.pop(gone).cancel()
                    for new in present.get(name, set()) - known.keys():
                        ask, frozen_s = SERVES_OWN.get(name, (ask_replica, FROZEN_S))
                        known[new] = Heartbeat(new, ask, namespace=SERVE, frozen_s=frozen_s, slower=self._slower)
                        tasks[new] = asyncio.create_task(known[new].run())
            await asyncio.sleep(EVERY_S * self._slower)
