"""The stages as a camera actor reaches them: handles of deployments and actors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lfr_ray.actors.answers import answer
from lfr_ray.records import Answer, Faces, Floats, Picture, Probe, Sighting


class RemoteStages:
    """Asks across processes. Handles are made once: each new one costs the Serve controller work.

    Args:
        detector: Handle of the detector deployment.
        embedder: Handle of the embedder deployment.
        matcher: The matcher actor.
        desk: The alert desk actor.
    """

    def __init__(self, detector: Any, embedder: Any, matcher: Any, desk: Any) -> None:
        self._detect = detector.detect
        self._embed = embedder.embed
        self._matcher = matcher
        self._desk = desk

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas."""
        faces: Faces = await self._detect.remote(canvas)
        return faces

    async def embed(self, chips: Picture) -> Floats:
        """Vectors of chips."""
        vectors: Floats = await self._embed.remote(chips)
        return vectors

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe."""
        answers: list[Answer] = await answer(self._matcher.match.remote(list(probes)))
        return answers

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns when the desk has made the alert durable."""
        await answer(self._desk.raise_alert.remote(sighting))
