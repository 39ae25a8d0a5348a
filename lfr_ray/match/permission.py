"""Who may say no: the matcher asks for permission before it compares anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lfr_ray.records import Probe


@dataclass(frozen=True, slots=True)
class Permit:
    """What a replica of the matcher may compare now.

    Attributes:
        refused: Of each tracklet, why it may not be compared; empty where it may.
        version: Of the list that it must be compared with, and no other; empty while nothing may be compared.
        at: Wall time of the matcher's machine, at which entries expire.
    """

    refused: Sequence[str]
    version: str
    at: float


class Permission(Protocol):
    """Says whether tracklets may be compared with the list, right now."""

    def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
        """Why each comparison is not permitted; empty where it is. What holds for all is looked at once.

        Args:
            probes: Tracklets; their camera, the wall time of their newest view and their embedder's card count.
            watchlist_hash: Content hash of the approved list in the matcher's memory, as it was loaded.
        """

    def status(self) -> str:
        """Why nothing may be compared, whatever camera it is of; empty while it may."""


class SamePermission:
    """Asks the first model's permission on behalf of the second: an authority names the first."""

    def __init__(self, permission: Permission, model: str) -> None:
        self._permission = permission
        self._model = model
        self.status = permission.status

    def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
        """What is said of the first model."""
        return self._permission.refusals([replace(one, model=self._model) for one in probes], watchlist_hash)
