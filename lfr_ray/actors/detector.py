"""Detection as a Serve deployment."""

from __future__ import annotations

import os
from collections import defaultdict

import numpy as np
from ray import serve

from lfr_ray.config import SiteConfig
from lfr_ray.detect.base import load_detector
from lfr_ray.models.catalogue import card
from lfr_ray.models.memory import reuse_memory
from lfr_ray.models.model_thread import ModelThread
from lfr_ray.models.runtime import SelfTest, self_test
from lfr_ray.records import Faces, Picture

NICENESS = 5


def give_way() -> None:
    """Looking for new faces yields to comparing those that were found: only the latter keeps an alert waiting."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


class DetectorReplica:
    """One detector, which adds to the model.

    * batches over all cameras, grouped by canvas size;
    * inference outside the event loop, one compute thread for each CPU of the replica;
    * a self-test at the start: a site that asks for a GPU does not run on a CPU.
    """

    def __init__(self, site: SiteConfig) -> None:
        config = site.detector
        reuse_memory()
        give_way()
        self._thread = ModelThread()
        self._detector = self._thread.now(
            lambda: load_detector(
                card(config.model),
                device=site.device,
                weights=config.weights,
                min_score=config.min_score,
                threads=max(1, int(config.cpus)),
                declared_use=site.use,
            )
        )
        self._self_test = self._thread.now(
            lambda: self_test(self._detector, width_px=config.width_px, height_px=config.height_px)
        )
        self._batch.set_max_batch_size(config.max_batch)
        self._batch.set_batch_wait_timeout_s(config.batch_wait_ms / 1000)

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas, ``uint8 (H, W, 3)`` RGB."""
        faces: Faces = await self._batch(canvas)
        return faces

    async def self_test(self) -> SelfTest:
        """Device and milliseconds a picture, measured at the start."""
        return self._self_test

    @serve.batch  # type: ignore[untyped-decorator]
    async def _batch(self, canvases: list[Picture]) -> list[Faces]:
        return await self._thread.run(lambda: self._detect(canvases))

    def _detect(self, canvases: list[Picture]) -> list[Faces]:
        rows_by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for row, canvas in enumerate(canvases):
            rows_by_shape[canvas.shape].append(row)
        found: dict[int, Faces] = {}
        for rows in rows_by_shape.values():
            batch = np.stack([canvases[row] for row in rows])
            found.update(zip(rows, self._detector.detect(batch), strict=True))
        return [found[row] for row in range(len(canvases))]
