"""The stages as a camera actor reaches them: in other processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lfr_ray.actors.protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.rpc import Handle
from lfr_ray.config import EmbedderConfig, SiteConfig
from lfr_ray.models.cards import chip_spec
from lfr_ray.models.catalogue import card
from lfr_ray.records import Answer, Embedded, Faces, Picture, Probe, Sighting

if TYPE_CHECKING:
    from lfr_ray.camera.reader import CameraStatus
    from lfr_ray.metrics import Snapshot
    from lfr_ray.pipeline.camera_run import EndOfRecording

RECORDED_S = 2.0
"""Shorter than the fleet waits for a camera."""


class RemoteStages:
    """:class:`~lfr_ray.pipeline.stages.Stages` across processes.

    Args:
        detector: The detector's deployment.
        embedder: The embedder's deployment.
        matcher: The matcher's actor.
        desk: The alert desk's actor.
        second: The second embedder's deployment, where there is one.
    """

    def __init__(
        self,
        detector: Handle[DetectorCalls],
        embedder: Handle[EmbedderCalls],
        matcher: Handle[MatcherCalls],
        desk: Handle[DeskCalls],
        second: Handle[EmbedderCalls] | None = None,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._second = second
        self._matcher = matcher
        self._desk = desk

    def follow(self, newer: RemoteStages) -> None:
        """Ask the matcher and the desk that the newer ones name: those of before may have died for good."""
        self._matcher, self._desk = newer._matcher, newer._desk

    async def meet(self, site: SiteConfig) -> None:
        """Ask each model once, with nothing to see: a handle looks for its replicas with the first question."""
        await self.detect(np.zeros((site.detector.height_px, site.detector.width_px, 3), np.uint8))
        await self.embed(_blank(site.embedder))
        if site.second_embedder is not None:
            await self.embed_second(_blank(site.second_embedder))

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas."""
        return await self._detector.ask(DetectorCalls.detect, canvas)

    async def embed(self, chips: Picture) -> Embedded:
        """Vectors of chips, and how stable each is."""
        return await self._embedder.ask(EmbedderCalls.judged, chips)

    async def embed_second(self, chips: Picture) -> Embedded:
        """Vectors of chips by the second model."""
        assert self._second is not None
        return await self._second.ask(EmbedderCalls.judged, chips)

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe."""
        return await self._matcher.ask(MatcherCalls.match, list(probes))

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns when the desk has made the alert durable."""
        await self._desk.ask(DeskCalls.raise_alert, sighting)

    async def record_removals(self, camera: str, sha256s: Sequence[str]) -> bool:
        """Whether the desk has put on record that a camera deleted pictures after use."""
        return await self._desk.ask(DeskCalls.record_removals, camera, list(sha256s)).within(RECORDED_S) is True

    async def record_stranger(self, camera: str, method: str) -> bool:
        """Whether the desk has put on record that somebody without the capability called a camera."""
        reply = self._desk.ask(DeskCalls.record_stranger, f"camera {camera}", method)
        return await reply.within(RECORDED_S) is True


def _blank(config: EmbedderConfig) -> Picture:
    """One chip with nothing on it."""
    chip = chip_spec(card(config.model))
    return np.zeros((1, chip.height_px, chip.width_px, 3), np.uint8)


class CameraCalls(Protocol):
    """One camera's actor."""

    async def ready(self, stages: RemoteStages | None = None) -> bool:
        """The process has loaded what it needs; with stages, it has reached the models as well."""

    async def renew(self, stages: RemoteStages) -> CameraStatus:
        """Renew the lease, start with the first one, and ask whom these stages name."""

    async def status(self) -> CameraStatus:
        """How it is."""

    async def hold(self) -> None:
        """Renew the lease, whether or not the camera runs already."""

    async def run_to_end(self, stages: RemoteStages) -> EndOfRecording:
        """Start, without a lease, and wait for the end of the recording."""

    async def preview(self) -> bytes:
        """What it sees now, every face hidden, as a JPEG."""

    async def snapshot(self) -> Snapshot:
        """What this camera counted."""

    async def stop(self) -> None:
        """Stop decoding, finish what is under way, forget everybody."""
