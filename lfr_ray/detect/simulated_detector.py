"""A detector that waits, and finds the faces that a simulated camera wrote into its pictures."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.simulated_models import Waiting, read_faces
from lfr_ray.records import Faces, Picture


class SimulatedDetector(Waiting):
    """See :class:`~lfr_ray.models.simulated_models.Waiting`."""

    def __init__(self, card: ModelCard, path: Path, device: Device, *, min_score: float = 0.5) -> None:
        super().__init__(card, device)

    def detect(self, pictures: Picture) -> list[Faces]:
        """The faces that were written into ``uint8 (B, H, W, 3)``."""
        self.wait(len(pictures))
        return [read_faces(one) for one in pictures]
