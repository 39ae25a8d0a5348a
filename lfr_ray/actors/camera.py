"""One camera as an actor."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from lfr_ray.actors.names import leave_cluster
from lfr_ray.actors.stages import RemoteStages
from lfr_ray.camera.demo_source import SCHEME, DemoSource
from lfr_ray.camera.lease import Lease
from lfr_ray.camera.reader import CameraReader, CameraStatus
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.metrics import Meter, Snapshot, resident_bytes
from lfr_ray.models.catalogue import card
from lfr_ray.pipeline.checks import checks_for
from lfr_ray.pipeline.steps import CameraSteps

LEASE_S = 60.0
"""A camera that nobody has asked for so long ends by itself. A fleet that Serve starts anew needs a part of it."""

STEPS_PAUSE_S = 1.0
"""Pause before the chain is started again after a fault of its own."""

Leave = Callable[[], None]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a recording ended: its counters, and its camera's state with what was wrong, if anything."""

    counted: Snapshot
    status: CameraStatus


class CameraActor:
    """One camera. It adds to :class:`~lfr_ray.pipeline.steps.CameraSteps`.

    * a thread that decodes;
    * a lease, which its fleet renews, so that no camera outlives its application;
    * starting the chain again after a fault of its own.
    """

    def __init__(
        self, site: SiteConfig, camera: CameraConfig, clock: Clock | None = None, leave: Leave = leave_cluster
    ) -> None:
        self._site = site
        self._camera = camera
        self._clock = clock or SystemClock()
        self._leave = leave
        self._lease = Lease(LEASE_S, self._clock)
        self._guard: asyncio.Task[None] | None = None
        self._meter = Meter()
        self._reader = CameraReader(camera, clock=self._clock, schemes={SCHEME: DemoSource})
        self._steps: CameraSteps | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._counted: dict[str, float] = {}

    async def ready(self, stages: RemoteStages | None = None) -> bool:
        """The process has loaded what it needs; with stages, it has found its way to the models as well."""
        if stages is not None:
            await stages.meet(self._site)
        return True

    async def renew(self, stages: RemoteStages) -> CameraStatus:
        """Renew the lease, and start with the first one; the state as a by-product."""
        await self.hold()
        self._begin(stages)
        return self._status()

    async def hold(self) -> None:
        """Renew the lease, whether or not the camera runs already."""
        self._lease.renew()
        if self._guard is None:
            self._guard = asyncio.create_task(self._watch_lease())

    async def ended(self, stages: RemoteStages) -> Ending:
        """Start, without a lease, and wait for the end of the recording."""
        await self._begin(stages)
        return Ending(await self.snapshot(), self._status())

    async def snapshot(self) -> Snapshot:
        """What this camera counted."""
        status = self._status()
        counted: dict[str, float] = {"frames_dropped_total": status.dropped, "reconnects_total": status.reconnects}
        counted |= {"frames_damaged_total": status.corrupt, "footage_missing_seconds_total": status.missing_s}
        for name, value in counted.items():
            self._meter.count(name, max(0.0, value - self._counted.get(name, 0.0)), camera=self._camera.name)
        self._counted = counted
        self._meter.gauge("memory_rss_bytes", resident_bytes(), process=f"camera {self._camera.name}")
        self._meter.gauge("camera_blind", float(status.state != "live"), camera=self._camera.name)
        return self._meter.snapshot()

    async def stop(self) -> None:
        """Stop decoding, finish what is under way, forget everybody."""
        self._stopping = True
        await asyncio.to_thread(self._reader.stop)
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=2.0)
            self._task.cancel()

    def _begin(self, stages: RemoteStages) -> asyncio.Task[None]:
        if self._task is None:
            self._steps = self._chain(stages)
            self._reader.start()
            self._task = asyncio.create_task(self._run(self._steps))
        return self._task

    def _chain(self, stages: RemoteStages) -> CameraSteps:
        site, embedder = self._site, card(self._site.embedder.model)
        second = None if site.second_embedder is None else card(site.second_embedder.model)
        return CameraSteps(
            self._camera,
            site,
            embedder,
            stages,
            self._clock,
            self._meter,
            run_id=secrets.token_hex(8),
            checks=checks_for(site, embedder, stages, second),
            in_flight=site.frames_in_flight(self._camera),
        )

    def _status(self) -> CameraStatus:
        return replace(self._reader.status(), refusal=self._steps.refusal if self._steps is not None else "")

    async def _run(self, steps: CameraSteps) -> None:
        while not self._reader.mailbox.ended and not self._stopping:
            try:
                await steps.run(self._reader.mailbox)
            except Exception as error:  # noqa: BLE001  (a fault costs the tracklets under way, not the camera)
                log.error("camera chain failed", camera=self._camera.name, error=type(error).__name__)
                self._meter.count("stage_failures_total", camera=self._camera.name, stage="chain")
                await asyncio.sleep(STEPS_PAUSE_S)

    async def _watch_lease(self) -> None:
        await self._lease.run_out()
        log.warning("no fleet any more, the camera ends", camera=self._camera.name)
        await self.stop()
        self._leave()
