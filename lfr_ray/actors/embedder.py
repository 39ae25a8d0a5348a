"""Embedding as a Serve deployment."""

from __future__ import annotations

import numpy as np
from ray import serve

from lfr_ray.config import SiteConfig
from lfr_ray.embed.base import load_embedder
from lfr_ray.models.catalogue import card
from lfr_ray.models.memory import reuse_memory
from lfr_ray.models.model_thread import ModelThread
from lfr_ray.models.runtime import SelfTest, self_test
from lfr_ray.records import Embedded, Picture


class EmbedderReplica:
    """One embedder. It adds to the model what :class:`~lfr_ray.actors.detector.DetectorReplica` adds."""

    def __init__(self, site: SiteConfig) -> None:
        config = site.embedder
        reuse_memory()
        self._thread = ModelThread()
        self._embedder = self._thread.now(
            lambda: load_embedder(
                card(config.model),
                device=site.device,
                weights=config.weights,
                mirror=config.mirror,
                threads=max(1, int(config.cpus)),
                declared_use=site.use,
            )
        )
        self._self_test = self._thread.now(lambda: self_test(self._embedder))
        self._batch.set_max_batch_size(config.max_batch)
        self._batch.set_batch_wait_timeout_s(config.batch_wait_ms / 1000)

    async def judged(self, chips: Picture) -> Embedded:
        """Vectors ``float32 (N, D)`` of one camera's chips ``uint8 (N, h, w, 3)``, and how stable each is."""
        found: Embedded = await self._batch(chips)
        return found

    async def self_test(self) -> SelfTest:
        """Device and milliseconds a chip, measured at the start."""
        return self._self_test

    @serve.batch  # type: ignore[untyped-decorator]
    async def _batch(self, lots: list[Picture]) -> list[Embedded]:
        chips = np.concatenate(lots)
        found = await self._thread.run(lambda: self._embedder.judged(chips))
        ends = np.cumsum([len(lot) for lot in lots])[:-1]
        return list(map(Embedded, np.split(found.vectors, ends), np.split(found.stability, ends)))
