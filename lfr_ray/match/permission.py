"""Who may say no: the matcher asks for permission before it compares anything."""

from __future__ import annotations

from typing import Protocol


class Permission(Protocol):
    """Says whether one camera's tracklet may be compared with the list, right now."""

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """Why this comparison is not permitted; empty when it is.

        Args:
            camera: Name of the camera.
            captured_at: Wall time of the newest view.
            watchlist_hash: Content hash of the list in the matcher's memory, as it was loaded.
            model: Card id of the embedder.
        """


class SamePermission:
    """Asks the first model's permission on behalf of the second: an authority names the first.

    Args:
        permission: The first model's.
        model: Card id of the first model.
    """

    def __init__(self, permission: Permission, model: str) -> None:
        self._permission = permission
        self._model = model

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """What is said of the first model."""
        return self._permission.refusal(camera, captured_at, watchlist_hash, self._model)
