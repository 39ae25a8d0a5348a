"""The stages as a camera actor reaches them: in other processes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.errors import LfrError
from lfr_ray.records import Answer, Embedded, Faces, Picture, Probe, Sighting

if TYPE_CHECKING:
    from lfr_ray.camera.camera_reader import CameraStatus
    from lfr_ray.focus_config import CameraFocus
    from lfr_ray.metrics import Snapshot

COMPARED_S = 10.0
"""A comparison that takes so long is of nobody who is still there; a question to a matcher that died may never end."""

RAISED_S = 15.0
"""So long the desk has for an alert, before it is asked again: as with the matcher, its process may have died."""

NEAR_S = 1.0
"""So long a camera waits for the replica of its own node, before it asks the matcher."""

RECORDED_S = 2.0
"""Shorter than the fleet waits for a camera."""


class RemoteStages:
    """:class:`~lfr_ray.pipeline.stage_protocols.Stages` across processes.

    Args:
        detector: The detector's deployment.
        embedder: The embedder's deployment.
        matcher: The matcher's actor.
        desk: The alert desk's actor.
        second: The second embedder's deployment, where there is one.
        near: The matcher's replica on the camera's node, where there is one.
    """

    def __init__(
        self,
        detector: Handle[DetectorCalls],
        embedder: Handle[EmbedderCalls],
        matcher: Handle[MatcherCalls],
        desk: Handle[DeskCalls],
        second: Handle[EmbedderCalls] | None = None,
        near: Handle[ReplicaCalls] | None = None,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._second = second
        self._matcher = matcher.limited(COMPARED_S, withdrawn=True)
        self._desk = desk.limited(RAISED_S)
        self._near = near
        self.missed: tuple[str, float] | None = None
        """The camera's name, and the share of its frames that nobody looks at; None: it looks at each."""

    def follow(self, newer: RemoteStages) -> None:
        """Ask the matcher and the desk that the newer ones name: those of before may have died for good."""
        self._matcher, self._desk, self._near = newer._matcher, newer._desk, newer._near

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas."""
        return await self._detector.ask(DetectorCalls.detect, canvas, self.missed)

    async def embed(self, chips: Picture) -> Embedded:
        """Vectors of chips, and how stable each is."""
        return await self._embedder.ask(EmbedderCalls.judged, chips)

    async def embed_second(self, chips: Picture) -> Embedded:
        """Vectors of chips by the second model."""
        assert self._second is not None
        return await self._second.ask(EmbedderCalls.judged, chips)

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe: the near replica's, and where it has none the matcher's."""
        if self._near is None:
            return await self._matcher.ask(MatcherCalls.match, list(probes))
        near: list[Answer | None] | None = None
        with contextlib.suppress(LfrError):
            near = await self._near.ask(ReplicaCalls.match, list(probes)).within(NEAR_S)
        near = near or [None] * len(probes)
        open_ = [probe for probe, answer in zip(probes, near, strict=True) if answer is None]
        rest = iter(await self._matcher.ask(MatcherCalls.match, open_) if open_ else ())
        return [next(rest) if answer is None else answer for answer in near]

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns when the desk has made the alert durable."""
        await self._desk.ask(DeskCalls.raise_alert, sighting)

    async def record_removals(self, camera: str, run: str, told: int, sha256s: Sequence[str]) -> bool:
        """Whether the desk has put on record that a camera deleted pictures after use; it had told of some before."""
        return await self._recorded(self._desk.ask(DeskCalls.record_removals, camera, run, told, list(sha256s)))

    async def record_stranger(self, camera: str, method: str) -> bool:
        """Whether the desk has put on record that somebody without the capability called a camera."""
        return await self._recorded(self._desk.ask(DeskCalls.record_stranger, f"camera {camera}", method))

    async def _recorded(self, reply: Any) -> bool:
        with contextlib.suppress(LfrError):  # the desk could not, and says why itself
            return await reply.within(RECORDED_S) is True
        return False


class ReplicaCalls(Protocol):
    """A replica of the matcher."""

    async def keep(self, matcher: Handle[MatcherCalls], desk: Handle[DeskCalls]) -> str:
        """Renew the lease, follow this matcher; the digest of its configuration."""

    async def match(self, probes: list[Probe]) -> list[Answer | None]:
        """One answer a probe; None: the matcher must be asked."""

    async def forget(self) -> bool:
        """Drop the list."""

    async def snapshot(self) -> Snapshot:
        """What this process holds."""


class CameraCalls(Protocol):
    """One camera's actor."""

    async def ready(self) -> bool:
        """The process has loaded what it needs."""

    async def renew(self, stages: RemoteStages, focus: CameraFocus | None = None) -> CameraStatus:
        """Renew the lease, start with the first one, ask whom these stages name, look where it is said."""

    async def follow(self, stages: RemoteStages) -> None:
        """Ask whom these stages name: for a camera that is to end."""

    async def status(self) -> CameraStatus:
        """How it is."""

    async def hold(self) -> None:
        """Renew the lease, whether or not the camera runs already."""

    async def preview(self) -> bytes:
        """What it sees now, every face hidden, as a JPEG."""

    async def snapshot(self) -> Snapshot:
        """What this camera counted."""

    async def stop(self) -> bool:
        """Stop decoding, finish what is under way, forget everybody; False: alerts wait for the desk."""
