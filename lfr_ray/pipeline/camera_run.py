"""One camera from its decoder to its alerts: a reader and a chain, counted. An actor or a plain process holds it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from dataclasses import dataclass, replace

from lfr_ray.camera.camera_reader import CameraReader, CameraStatus
from lfr_ray.camera.demo_source import SCHEME, DemoSource
from lfr_ray.camera.simulated_frames import SIMULATED, SimulatedSource
from lfr_ray.clock import Clock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.errors import StreamError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.metrics import Meter, Snapshot
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.device_and_self_test import set_threads
from lfr_ray.pipeline.camera_chain import CameraSteps
from lfr_ray.pipeline.order_of_checks import checks_for
from lfr_ray.pipeline.stage_protocols import Stages
from lfr_ray.structured_logs import get_logger

STEPS_PAUSE_S = 1.0
"""Pause before the chain is started again after a fault of its own."""

FINISH_S = 2.0
"""For so long comparisons under way may be finished at the end."""

ALERTS_S = 10.0
"""For so long the end waits until the last alerts are acknowledged."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class EndOfRecording:
    """How a recording ended: its counters, and its camera's state, with what was wrong, if anything."""

    counted: Snapshot
    status: CameraStatus


class CameraRun:
    """One camera's thread that decodes, and its chain, which is started again after a fault of its own."""

    def __init__(self, site: SiteConfig, camera: CameraConfig, clock: Clock) -> None:
        self._site = site
        self._camera = camera
        self._focus: CameraFocus = camera
        self._clock = clock
        self.meter = Meter()
        self._reader = CameraReader(camera, clock=clock, schemes={SCHEME: DemoSource, SIMULATED: SimulatedSource})
        self._steps: CameraSteps | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._counted: dict[str, float] = {}

    @property
    def frames(self) -> int:
        """Frames that were looked at so far."""
        return int(self.meter.value("frames_total", camera=self._camera.name))

    @property
    def removed(self) -> deque[str]:
        """SHA-256 of pictures that were deleted after use and are not on record yet."""
        return self._reader.removed

    def begin(self, stages: Stages) -> asyncio.Task[None]:
        """Start, unless it runs already; the task ends with the camera.

        Raises:
            ModelError: See :func:`~lfr_ray.pipeline.order_of_checks.checks_for`.
        """
        if self._task is None:
            set_threads(1)  # other cameras and the models want the other cores, and a face is cut out faster by one
            self._steps = self._chain(stages)
            self._steps.focus = self._focus
            self._reader.start()
            self._task = asyncio.create_task(self._run(self._steps))
        return self._task

    def look(self, focus: CameraFocus) -> None:
        """Compare the faces that are meant by this, from the next frame on."""
        self._focus = focus
        if self._steps is not None:
            self._steps.focus = focus

    async def run_to_end(self, stages: Stages) -> EndOfRecording:
        """Start, and wait for the end of the recording, or until it is stopped."""
        await asyncio.wait({self.begin(stages)})
        return EndOfRecording(self.snapshot(), self.status())

    def status(self) -> CameraStatus:
        """How the camera is now."""
        still = int(self.meter.value("frames_still_total", camera=self._camera.name))
        status, steps = replace(self._reader.status(), still=still), self._steps
        return status if steps is None else replace(status, refusal=steps.refusal, looks=steps.looks())

    async def preview(self) -> bytes:
        """What it sees now, every face hidden, as a JPEG; see :class:`~lfr_ray.pipeline.preview.Preview`.

        Raises:
            StreamError: There is no picture.
        """
        if self._steps is None or self.status().state != "live":
            raise StreamError("the camera gives no picture now", next_step="look why it is blind, and try again")
        return await self._steps.preview.picture()

    def snapshot(self) -> Snapshot:
        """What this camera counted."""
        status = self.status()
        counted: dict[str, float] = {"frames_dropped_total": status.dropped, "reconnects_total": status.reconnects}
        counted |= {"frames_damaged_total": status.corrupt, "footage_missing_seconds_total": status.missing_s}
        for name, value in counted.items():
            self.meter.count(name, max(0.0, value - self._counted.get(name, 0.0)), camera=self._camera.name)
        self._counted = counted
        return self.meter.snapshot()

    async def stop(self, alerts_s: float = ALERTS_S) -> int:
        """Stop decoding, finish what is under way, forget everybody.

        Args:
            alerts_s: For so long the desk may take to acknowledge the last alerts.

        Returns:
            How many it has not acknowledged: it is asked for these for as long as the process lives.
        """
        self._stopping = True
        await asyncio.to_thread(self._reader.stop)
        if self._task is None or self._steps is None:
            return 0
        await asyncio.wait({self._task}, timeout=FINISH_S)
        self._task.cancel()
        alerts = self._steps.alerts
        if alerts.waiting:
            log.warning("alerts wait for the desk", camera=self._camera.name, waiting=alerts.waiting)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(alerts.all_sent(), alerts_s)
        return alerts.waiting

    def _chain(self, stages: Stages) -> CameraSteps:
        site, embedder = self._site, card(self._site.embedder.model)
        second = None if site.second_embedder is None else card(site.second_embedder.model)
        return CameraSteps(
            self._camera,
            site,
            embedder,
            stages,
            self._clock,
            self.meter,
            run_id=secrets.token_hex(8),
            checks=checks_for(site, embedder, stages, second),
            in_flight=site.frames_in_flight_of(self._camera),
        )

    async def _run(self, steps: CameraSteps) -> None:
        while not self._reader.mailbox.ended and not self._stopping:
            try:
                await steps.run(self._reader.mailbox)
            except Exception as error:  # noqa: BLE001  (a fault costs the tracklets under way, not the camera)
                log.error("camera chain failed", camera=self._camera.name, error=type(error).__name__)
                self.meter.count("stage_failures_total", camera=self._camera.name, stage="chain")
                await asyncio.sleep(STEPS_PAUSE_S)
