"""The deployed models: behind the protocols of plain ones for enrolment, and waited for at the start."""

from __future__ import annotations

import asyncio

import numpy as np
import ray

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import DetectorCalls, EmbedderCalls, ModelCalls
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import SelfTest
from lfr_ray.records import Embedded, Faces, Floats, Picture

LOADED_S = 100.0
"""To load a model on a cold GPU machine; less than the command that starts the site waits."""


class RemoteDetector:
    """A detector whose replicas are elsewhere; a batch is spread over all of them."""

    def __init__(self, described: ModelCard, handle: Handle[DetectorCalls]) -> None:
        self.card = described
        self._handle = handle

    def detect(self, pictures: Picture) -> list[Faces]:
        """Faces in every picture of ``uint8 (B, H, W, 3)``."""
        replies = [self._handle.ask(DetectorCalls.detect, picture) for picture in pictures]
        return [reply.wait() for reply in replies]


class RemoteEmbedder:
    """An embedder whose replicas are elsewhere."""

    def __init__(self, described: ModelCard, handle: Handle[EmbedderCalls]) -> None:
        self.card = described
        self._handle = handle

    def embed(self, chips: Picture) -> Floats:
        """Unit vectors ``float32 (N, D)`` of chips ``uint8 (N, h, w, 3)``."""
        return self.judged(chips).vectors

    def judged(self, chips: Picture) -> Embedded:
        """The same vectors, and how stable each is."""
        if not len(chips):
            return Embedded(np.zeros((0, self.card.vector_length), np.float32), np.zeros(0, np.float32))
        return self._handle.ask(EmbedderCalls.judged, chips).wait()


def remote_embedders(
    site: SiteConfig, embedder: Handle[EmbedderCalls], second: Handle[EmbedderCalls] | None
) -> list[RemoteEmbedder]:
    """The site's embedders, for enrolment: one, or both."""
    found = [RemoteEmbedder(card(site.embedder.model), embedder)]
    if site.second_embedder is not None and second is not None:
        found.append(RemoteEmbedder(card(site.second_embedder.model), second))
    return found


async def models_ready(site: SiteConfig, *models: Handle[ModelCalls]) -> list[SelfTest]:
    """Wait for one replica of each model: a configuration the cluster cannot hold must not wait for ever."""
    limit_s = site.resources_wait_s + LOADED_S
    try:
        replies = [model.ask(ModelCalls.self_test) for model in models]
        return await asyncio.wait_for(asyncio.gather(*replies), limit_s)
    except asyncio.TimeoutError:
        raise ResourceError(
            "no replica of the detector or the embedder became ready",
            got=f"nothing within {limit_s:g} s; free: {_free()}",
            allowed=f"detector CPU {site.detector.cpus:g} GPU {site.detector.gpus:g}, "
            f"embedder CPU {site.embedder.cpus:g} GPU {site.embedder.gpus:g} for each replica",
            next_step="add nodes, or lower cpus, gpus and replicas in the site file",
        ) from None


def _free() -> str:
    present: dict[str, float] = ray.available_resources()
    return ", ".join(f"{name} {present.get(name, 0.0):g}" for name in ("CPU", "GPU"))
