"""The stages as a camera actor reaches them: handles of deployments and actors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lfr_ray.actors.rpc import answer
from lfr_ray.config import EmbedderConfig, SiteConfig
from lfr_ray.models.cards import chip_spec
from lfr_ray.models.catalogue import card
from lfr_ray.records import Answer, Embedded, Faces, Floats, Picture, Probe, Sighting


class RemoteStages:
    """Asks across processes. Handles are made once: each new one costs the Serve controller work.

    Args:
        detector: Handle of the detector deployment.
        embedder: Handle of the embedder deployment.
        matcher: The matcher actor.
        desk: The alert desk actor.
        second: Handle of the second embedder's deployment, where there is one.
    """

    def __init__(self, detector: Any, embedder: Any, matcher: Any, desk: Any, second: Any = None) -> None:
        self._detect = detector.detect
        self._judged = embedder.judged
        self._second = None if second is None else second.judged
        self._attack_score = embedder.attack_score
        self._matcher = matcher
        self._desk = desk

    async def meet(self, site: SiteConfig) -> None:
        """Ask each model once, with nothing to see: a handle looks for its replicas with the first question."""
        await self.detect(np.zeros((site.detector.height_px, site.detector.width_px, 3), np.uint8))
        await self.embed(_blank(site.embedder))
        if site.second_embedder is not None:
            await self.embed_second(_blank(site.second_embedder))
        if site.attack.score_at is not None:
            await self.attack_score(np.zeros((64, 64, 3), np.uint8), np.array([16, 16, 48, 48], np.float32))

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas."""
        faces: Faces = await self._detect.remote(canvas)
        return faces

    async def embed(self, chips: Picture) -> Embedded:
        """Vectors of chips, and how stable each is."""
        found: Embedded = await self._judged.remote(chips)
        return found

    async def embed_second(self, chips: Picture) -> Embedded:
        """Vectors of chips by the second model."""
        assert self._second is not None
        found: Embedded = await self._second.remote(chips)
        return found

    async def attack_score(self, picture: Picture, box: Floats) -> float:
        """How like a picture of a person a face is."""
        score: float = await self._attack_score.remote(picture, box)
        return score

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe."""
        answers: list[Answer] = await answer(self._matcher.match.remote(list(probes)))
        return answers

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns when the desk has made the alert durable."""
        await answer(self._desk.raise_alert.remote(sighting))


def _blank(config: EmbedderConfig) -> Picture:
    """One chip with nothing on it."""
    chip = chip_spec(card(config.model))
    return np.zeros((1, chip.height_px, chip.width_px, 3), np.uint8)
