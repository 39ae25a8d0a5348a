"""One camera as an actor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from lfr_ray.actors.digest import digest_of
from lfr_ray.actors.names import leave_cluster
from lfr_ray.actors.stages import RemoteStages
from lfr_ray.camera.lease import Lease
from lfr_ray.camera.reader import CameraStatus
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.files import with_secrets
from lfr_ray.metrics import Snapshot, resident_bytes
from lfr_ray.pipeline.camera_run import EndOfRecording
from lfr_ray.pipeline.simulated_cameras import camera_run

LEASE_S = 60.0
"""A camera that nobody has asked for so long ends by itself. A fleet that Serve starts anew needs a part of it."""

REMOVALS = 50
"""Most pictures of one record that they were removed."""

Leave = Callable[[], None]
log = structlog.get_logger()


class CameraActor:
    """One camera. It adds to :class:`~lfr_ray.pipeline.camera_run.CameraRun`.

    * a lease, which its fleet renews, so that no camera outlives its application;
    * its process's memory among the counters.
    """

    def __init__(
        self, site: SiteConfig, camera: CameraConfig, clock: Clock | None = None, leave: Leave = leave_cluster
    ) -> None:
        clock = clock or SystemClock()
        self._site = site
        self._camera = camera
        self._leave = leave
        self._lease = Lease(LEASE_S, clock)
        self._stages: RemoteStages | None = None
        self._guard: asyncio.Task[None] | None = None
        # Passwords are looked up here: what travels as an argument has only their places.
        self._run = camera_run(site, camera.model_copy(update={"url": with_secrets(camera.url)}), clock)
        self._digest = digest_of(site, camera)

    async def ready(self, stages: RemoteStages | None = None) -> bool:
        """The process has loaded what it needs; with stages, it has found its way to the models as well."""
        if stages is not None:
            await stages.meet(self._site)
        return True

    async def renew(self, stages: RemoteStages) -> CameraStatus:
        """Renew the lease, start with the first one, and ask whom these stages name; the state as a by-product."""
        await self.hold()
        if self._stages is None:
            self._stages = stages
        self._stages.follow(stages)
        self._run.begin(self._stages)
        await self._record_removals()
        return await self.status()

    async def status(self) -> CameraStatus:
        """How it is."""
        return replace(self._run.status(), digest=self._digest)

    async def hold(self) -> None:
        """Renew the lease, whether or not the camera runs already."""
        self._lease.renew()
        if self._guard is None:
            self._guard = asyncio.create_task(self._watch_lease())

    async def run_to_end(self, stages: RemoteStages) -> EndOfRecording:
        """Start, without a lease, and wait for the end of the recording."""
        return await self._run.run_to_end(stages)

    async def preview(self) -> bytes:
        """What it sees now, every face hidden, as a JPEG."""
        return await self._run.preview()

    async def snapshot(self) -> Snapshot:
        """What this camera counted."""
        self._run.meter.gauge("memory_rss_bytes", resident_bytes(), process=f"camera {self._camera.name}")
        return self._run.snapshot()

    async def stop(self) -> None:
        """Stop decoding, finish what is under way, forget everybody; alerts under way are acknowledged first."""
        await self._run.stop()
        await self._record_removals()

    async def _record_removals(self) -> None:
        """Put pictures that were deleted after use on record; what the desk does not answer for is sent again."""
        removed = self._run.removed
        while removed and self._stages is not None:
            some = [removed.popleft() for _ in range(min(len(removed), REMOVALS))]
            if not await self._stages.record_removals(self._camera.name, some):
                removed.extendleft(reversed(some))
                return

    async def _watch_lease(self) -> None:
        await self._lease.run_out()
        log.warning("no fleet any more, the camera ends", camera=self._camera.name)
        await self.stop()
        self._leave()
