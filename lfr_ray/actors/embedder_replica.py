"""Embedding as a Serve deployment."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import numpy as np
from ray import serve

from lfr_ray.actors.gpu_batches import Batches
from lfr_ray.config import SiteConfig
from lfr_ray.metrics import Snapshot, memory_of
from lfr_ray.models.cores_and_threads import model_threads, streams_of
from lfr_ray.models.device_and_self_test import SelfTest, check_not_lost, self_test
from lfr_ray.pipeline.load_site_models import embedder_of, runs_in_streams
from lfr_ray.records import Embedded, Picture


class EmbedderReplica:
    """One embedder. It adds to the model what :class:`~lfr_ray.actors.detector_replica.DetectorReplica` adds."""

    def __init__(self, site: SiteConfig) -> None:
        config = site.embedder
        self._embedder = embedder_of(site, config)
        self._in_streams = runs_in_streams(self._embedder)
        self._self_test = self_test(self._embedder, most=1 if self._in_streams else config.max_batch)
        self._threads = model_threads(streams_of(config) if self._in_streams else 1)
        self._batches = Batches(self._together, self._threads, config.max_batch, config.batch_wait_ms / 1000)

    async def judged(self, chips: Picture) -> Embedded:
        """Vectors ``float32 (N, D)`` of one camera's chips ``uint8 (N, h, w, 3)``, and how stable each is."""
        began_at = time.time()
        if self._in_streams:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._embedder.judged, chips)
        else:
            found = await self._batches.ask(chips)
        return replace(found, worked=(began_at, time.time()))

    async def self_test(self) -> SelfTest:
        """Device and milliseconds a chip, measured at the start."""
        return self._self_test

    async def check_health(self) -> None:
        """As :meth:`~lfr_ray.actors.detector_replica.DetectorReplica.check_health`."""
        check_not_lost()

    async def snapshot(self) -> Snapshot:
        """What this process holds."""
        return memory_of(f"embedder {serve.get_replica_context().replica_id.unique_id}")

    def _together(self, lots: list[Picture]) -> list[Embedded]:
        """Vectors of each camera's chips."""
        found = self._embedder.judged(np.concatenate(lots))
        ends = np.cumsum([len(lot) for lot in lots])[:-1]
        return list(map(Embedded, np.split(found.vectors, ends), np.split(found.stability, ends)))
