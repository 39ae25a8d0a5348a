"""Detection as a Serve deployment."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from dataclasses import replace

import numpy as np
from ray import serve

from lfr_ray.actors.detector_autoscaling import MISSED, MissedFrames
from lfr_ray.actors.gpu_batches import Batches
from lfr_ray.config import SiteConfig
from lfr_ray.detect.canvas_size import canvas_for
from lfr_ray.metrics import Snapshot, memory_of
from lfr_ray.models.cores_and_threads import model_threads, streams_of
from lfr_ray.models.device_and_self_test import SelfTest, check_not_lost, self_test
from lfr_ray.models.simulated_models import DETECTOR as SIMULATED
from lfr_ray.pipeline.load_site_models import detector_of, runs_in_streams
from lfr_ray.records import Faces, Picture

NICENESS = 5
USUAL_PX = (1920, 1080)


def give_way() -> None:
    """Looking for new faces yields to comparing those that were found: only the latter keeps an alert waiting."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


class DetectorReplica:
    """One detector, which adds to the model.

    * on a CPU, as many pictures at the same time as the replica has streams;
    * on a GPU, batches over all cameras, grouped by canvas size;
    * a self-test at the start: a site that asks for a GPU does not run on a CPU.
    """

    def __init__(self, site: SiteConfig) -> None:
        config = site.detector
        if not config.model.startswith(SIMULATED):  # which takes nothing from anybody
            give_way()
        self._detector = detector_of(site)
        self._in_streams = runs_in_streams(self._detector)
        width_px, height_px = canvas_for(*USUAL_PX, config)  # what most cameras' pictures become
        most = 1 if self._in_streams else config.max_batch
        self._self_test = self_test(self._detector, width_px=width_px, height_px=height_px, most=most)
        self._threads = model_threads(streams_of(config) if self._in_streams else 1)
        self._missed = MissedFrames()
        self._batches = Batches(self._together, self._threads, config.max_batch, config.batch_wait_ms / 1000)

    async def detect(self, canvas: Picture, missed: tuple[str, float] | None = None) -> Faces:
        """Faces of one canvas, ``uint8 (H, W, 3)`` RGB."""
        if missed is not None:
            self._missed.tell(*missed, time.monotonic())
        if self._in_streams:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._in_turn, canvas, time.monotonic())
        return await self._batches.ask((canvas, time.monotonic()))

    def _in_turn(self, canvas: Picture, come_s: float) -> Faces:
        began_at, waited_s = time.time(), time.monotonic() - come_s
        faces: Faces = self._detector.detect(canvas[np.newaxis])[0]
        return replace(faces, worked=(began_at, time.time()), waited_s=waited_s)

    async def self_test(self) -> SelfTest:
        """Device and milliseconds a picture, measured at the start."""
        return self._self_test

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """For Serve, by that name: what :func:`~lfr_ray.actors.detector_autoscaling.by_frames_missed` goes by."""
        return {MISSED: self._missed.share(time.monotonic())}

    async def check_health(self) -> None:
        """For Serve, by that name, every two seconds: a replica that has lost its GPU is replaced.

        Raises:
            ModelError: It has.
        """
        check_not_lost()

    async def snapshot(self) -> Snapshot:
        """What this process holds."""
        return memory_of(f"detector {serve.get_replica_context().replica_id.unique_id}")

    def _together(self, asked: list[tuple[Picture, float]]) -> list[Faces]:
        """Faces of canvases, each with the steady time at which it came."""
        began_s, began_at = time.monotonic(), time.time()
        rows_by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for row, (canvas, _) in enumerate(asked):
            rows_by_shape[canvas.shape].append(row)
        found: dict[int, Faces] = {}
        for rows in rows_by_shape.values():
            batch = np.stack([asked[row][0] for row in rows])
            found.update(zip(rows, self._detector.detect(batch), strict=True))
        worked = began_at, time.time()
        return [replace(found[row], worked=worked, waited_s=began_s - at_s) for row, (_, at_s) in enumerate(asked)]
