"""What each process of a site can be asked: the methods of its actor or deployment, written out.

``launch_actors.py`` gives each actor out as a handle of its protocol: mypy sees where an actor or a call does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from lfr_ray.api.alert_and_site_ports import AlertsPort, DeploymentPort, ListPort

if TYPE_CHECKING:
    # Only types: a process that asks another one need not load what that one needs.
    from lfr_ray.api.site_state import DeploymentList, LedgerPage, LedgerVerdict, RecordSoFar, Switched, WatchlistState
    from lfr_ray.focus_config import CameraFocus
    from lfr_ray.govern.face_counters import CameraCounters
    from lfr_ray.health import DeskSaid, MatcherSaid
    from lfr_ray.match.permission import Permit
    from lfr_ray.metrics import Snapshot
    from lfr_ray.models.device_and_self_test import SelfTest
    from lfr_ray.records import Answer, Embedded, Faces, Picture, Probe, Sighting


class ModelCalls(Protocol):
    """What every deployed model can be asked."""

    async def self_test(self) -> SelfTest:
        """Device and speed, measured at the start."""

    async def snapshot(self) -> Snapshot:
        """What the replica that answers holds in memory."""


class DetectorCalls(ModelCalls, Protocol):
    """The detector's deployment."""

    async def detect(self, canvas: Picture, missed: tuple[str, float] | None = None) -> Faces:
        """Faces of one canvas, ``uint8 (H, W, 3)`` RGB; a camera tells its name and which share of frames it misses."""


class EmbedderCalls(ModelCalls, Protocol):
    """An embedder's deployment."""

    async def judged(self, chips: Picture) -> Embedded:
        """Vectors of chips ``uint8 (N, h, w, 3)``, and how stable each is."""


class MatcherCalls(Protocol):
    """The matcher's actor. It takes one call at a time."""

    def ready(self) -> bool:
        """The list is read."""

    def said(self) -> MatcherSaid:
        """How it is; answered beside its work."""

    def match(self, probes: list[Probe]) -> list[Answer]:
        """One answer a probe."""

    def permit(self, probes: list[Probe], node: str, version: str) -> Permit:
        """Whether a replica may compare, and with which list."""

    def part(self, version: str, number: int) -> bytes:
        """A part of the list of that version."""

    def watchlist(self) -> WatchlistState:
        """The list in force, in numbers."""

    def deployments(self) -> DeploymentList:
        """The deployment that the site serves, and the emergency stop."""

    def halt(self, officer: str, reason: str) -> Switched:
        """The emergency stop."""

    def resume(self, officer: str, reason: str) -> Switched:
        """Lift the emergency stop."""

    def tick(self) -> None:
        """Look whether the authority came or went."""

    def snapshot(self) -> Snapshot:
        """The size of the list."""

    def stop(self) -> None:
        """Forget the list."""


class DeskCalls(AlertsPort, DeploymentPort, Protocol):
    """The alert desk's actor: every question of the HTTP routes, and what cameras and fleet tell it."""

    async def ready(self) -> bool:
        """The database is open, and alerts are delivered."""

    async def said(self) -> DeskSaid:
        """How it is; answered beside its work."""

    async def keep_up(
        self, seen: dict[str, CameraCounters], refusal: str = "", cameras: Mapping[str, str] | None = None
    ) -> None:
        """What is due by the clock: what cameras counted since they started, why nothing is compared, their states."""

    async def raise_alert(self, sighting: Sighting) -> None:
        """Durable before it answers."""

    async def record_so_far(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""

    async def record_stranger(self, process: str, method: str) -> bool:
        """On record before it answers: somebody without the capability called a method of one of the processes."""

    async def record_removals(self, camera: str, run: str, told: int, sha256s: list[str]) -> bool:
        """On record before it answers: pictures that a camera deleted after use; ``told``: so many before these."""

    async def snapshot(self) -> Snapshot:
        """What the desk counted."""

    async def stop(self) -> None:
        """Record the last counts and end the delivery."""


class FleetCalls(ListPort, Protocol):
    """The fleet's deployment."""

    async def stop(self) -> None:
        """End the site's actors in order; whoever asks ends everything else at once afterwards."""

    async def self_tests(self) -> list[SelfTest]:
        """What models measured when they started."""

    async def set_focus(self, camera: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        """Set where a camera looks; it is on record, and gate and camera follow."""

    async def import_notes(self) -> list[str]:
        """What people should look at of the watchlist folder that was imported at the start."""

    async def snapshots(self) -> list[Snapshot]:
        """Counters of every camera, the matcher and the desk."""
