"""What a process for recordings can be asked; see ``actor_protocols.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lfr_ray.actors.actor_calls import Handle
    from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
    from lfr_ray.config import CameraConfig
    from lfr_ray.pipeline.camera_run import EndOfRecording


class FootageCalls(Protocol):
    """A process for recordings, with models of its own."""

    async def ready(self) -> bool:
        """The models are loaded, and the list where it is here; whether it is."""

    async def run_to_end(
        self, camera: CameraConfig, matcher: Handle[MatcherCalls] | None, desk: Handle[DeskCalls]
    ) -> EndOfRecording:
        """One recording from start to end."""

    async def stop(self) -> None:
        """Finish what is under way of the recording, forget everybody."""
