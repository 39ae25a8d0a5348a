"""Several simulated cameras in one process, where a machine has no room for a process each."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.camera.simulated_frames import SIMULATED, simulated_footage, slower_of
from lfr_ray.clock import Clock, SlowClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.metrics import Snapshot, merged
from lfr_ray.pipeline.camera_run import ALERTS_S, CameraRun
from lfr_ray.pipeline.stage_protocols import Stages


class SimulatedCameras(CameraRun):
    """The first of several cameras, and the others beside it. Each counts under a name of its own."""

    def __init__(self, site: SiteConfig, camera: CameraConfig, clock: Clock) -> None:
        super().__init__(site, camera, clock)
        names = [f"{camera.name}.{number}" for number in range(2, simulated_footage(camera.url).cameras + 1)]
        self._others = [CameraRun(site, camera.model_copy(update={"name": name}), clock) for name in names]

    def begin(self, stages: Stages) -> asyncio.Task[None]:
        """Start all of them."""
        for one in self._others:
            one.begin(stages)
        return super().begin(stages)

    def status(self) -> CameraStatus:
        """Of the first, with the frames of all."""
        every = [super().status(), *(one.status() for one in self._others)]
        return replace(every[0], frames=sum(one.frames for one in every), dropped=sum(one.dropped for one in every))

    def snapshot(self) -> Snapshot:
        """What all of them counted."""
        return merged([super().snapshot(), *(one.snapshot() for one in self._others)])

    async def stop(self, alerts_s: float = ALERTS_S) -> int:
        """Stop all of them."""
        return sum(await asyncio.gather(super().stop(alerts_s), *(one.stop(alerts_s) for one in self._others)))


def camera_run(site: SiteConfig, camera: CameraConfig, clock: Clock) -> CameraRun:
    """What a camera's process runs."""
    if not camera.url.startswith(f"{SIMULATED}:"):
        return CameraRun(site, camera, clock)
    return SimulatedCameras(site, camera, SlowClock(clock, slower_of(camera.url)))
