"""One camera as an actor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lfr_ray.actors.actor_names import Names, leave_cluster, node_here
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.detector_autoscaling import Drops
from lfr_ray.actors.ray_private import noted
from lfr_ray.actors.record_removals import Removals
from lfr_ray.actors.remote_matcher_and_models import RemoteStages
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.camera.fleet_lease import LOOK_S, Lease
from lfr_ray.camera.open_footage import takes_every_frame
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.data_dir import UPLOADED, DataDir
from lfr_ray.durable_files import with_secrets
from lfr_ray.focus_config import CameraFocus
from lfr_ray.metrics import Snapshot, resident_bytes
from lfr_ray.pipeline.simulated_cameras import camera_run
from lfr_ray.structured_logs import get_logger

LEASE_S = 60.0
"""A camera that nobody has asked for so long ends by itself. A fleet that Serve starts anew needs a part of it."""

AWAY_S = 600.0
"""A camera whose alerts wait for the desk stays so much longer: as long as workers wait for a head that is gone."""

Leave = Callable[[], None]
Ended = Callable[[str, str], str]
"""Notes under which digest a recording ended; what is noted."""
log = get_logger()


class CameraActor:
    """One camera. It adds to :class:`~lfr_ray.pipeline.camera_run.CameraRun`.

    * a lease, which its fleet renews, so that no camera outlives its application;
    * that a recording which has ended is not read again by the process after this one;
    * its process's memory among the counters.
    """

    def __init__(
        self,
        site: SiteConfig,
        camera: CameraConfig,
        clock: Clock | None = None,
        leave: Leave = leave_cluster,
        ended: Ended = noted,
    ) -> None:
        clock = clock or SystemClock()
        self._site, self._camera, self._clock = site, camera, clock
        self._leave, self._ended, self._over = leave, ended, False
        self._lease = Lease(LEASE_S, clock)
        self._stages: RemoteStages | None = None
        self._drops = Drops()
        self._guard: asyncio.Task[None] | None = None
        self._stranger = ""
        self._stopped_s: float | None = None
        # Passwords are looked up here: what travels as an argument has only their places.
        url = str(DataDir(site.data_dir).upload(camera.name)) if camera.url == UPLOADED else with_secrets(camera.url)
        self._run = camera_run(site, camera.model_copy(update={"url": url}), clock)
        self._removals = Removals(camera.name, self._run)
        self._digest, self._name = digest_of(site, camera), Names(site.site).camera(camera.name)
        # What takes a recording's place has not ended with it; a copy on another node is the same.
        self._read = f"{self._digest} {Path(url).stat().st_size}" if Path(url).is_file() else self._digest

    async def ready(self) -> bool:
        """The process has loaded what it needs."""
        return True

    async def renew(self, stages: RemoteStages, focus: CameraFocus | None = None) -> CameraStatus:
        """Renew the lease, start with the first one, ask whom these stages name, look where it is said; the state."""
        await self.hold()
        if self._stages is None:
            self._stages, self._over = stages, self._ended(self._name, "") == self._read
        self._stages.follow(stages)
        self._run.look(focus or self._camera)
        goes_on = self._stopped_s is None and not self._over
        if goes_on and self._run.begin(self._stages).done() and (now := self._run.status()).seconds:
            self._over = not now.problem and self._ended(self._name, self._read) == self._read
        await self._removals.record(self._stages)
        if self._stranger and await self._stages.record_stranger(self._camera.name, self._stranger):
            self._stranger = ""
        status = await self.status()
        if not takes_every_frame(self._camera):
            self._stages.missed = self._camera.name, self._drops.share(status.frames, status.dropped)
        return status

    async def follow(self, stages: RemoteStages) -> None:
        """Ask whom these stages name, without a lease: for a camera that is to end."""
        if self._stages is not None:
            self._stages.follow(stages)

    def tell_stranger(self, method: str) -> None:
        """Pass a call without the capability on to the desk, with the next renewal of the lease."""
        self._stranger = method

    async def status(self) -> CameraStatus:
        """How it is. One that was stopped is of no configuration, so that it is followed by one that looks."""
        digest = self._digest if self._stopped_s is None else ""
        status = replace(self._run.status(), digest=digest, clock_at=self._clock.wall_s(), node=node_here())
        return replace(status, state="ended") if self._over else status

    async def hold(self) -> None:
        """Renew the lease, whether or not the camera runs already."""
        self._lease.renew()
        if self._guard is None:
            self._guard = asyncio.create_task(self._watch_lease())

    async def preview(self) -> bytes:
        """What it sees now, every face hidden, as a JPEG."""
        return await self._run.preview()

    async def snapshot(self) -> Snapshot:
        """What this camera counted."""
        self._run.meter.gauge("memory_rss_bytes", resident_bytes(), process=f"camera {self._camera.name}")
        return self._run.snapshot()

    async def stop(self) -> bool:
        """Stop decoding, finish what is under way, forget everybody; False: alerts wait for the desk."""
        if self._stopped_s is None:
            self._stopped_s = self._clock.steady_s()
            waiting = await self._run.stop()
        else:  # who asks again is answered at once
            waiting = await self._run.stop(0.0)
        await self._removals.record(self._stages)
        return not waiting or self._clock.steady_s() - self._stopped_s > AWAY_S

    async def _watch_lease(self) -> None:
        await self._lease.run_out()
        log.warning("no fleet any more, the camera ends", camera=self._camera.name)
        while not await self.stop():  # noqa: ASYNC110  (the clock tells nobody, nor does the desk)
            await asyncio.sleep(LOOK_S)
        self._leave()
