"""An embedder that waits, and gives vectors that are near nobody's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.simulated_models import VECTOR_LENGTH, Waiting
from lfr_ray.records import Embedded, Floats, Picture


class SimulatedEmbedder(Waiting):
    """See :class:`~lfr_ray.models.simulated_models.Waiting`."""

    def __init__(self, card: ModelCard, path: Path, device: Device, *, mirror: bool = True) -> None:
        super().__init__(card, device)
        self._random = np.random.default_rng()

    def embed(self, chips: Picture) -> Floats:
        """Vectors ``float32 (N, D)`` of unit length, of nobody."""
        self.wait(len(chips))
        drawn = self._random.standard_normal((len(chips), VECTOR_LENGTH), np.float32)
        vectors: Floats = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return vectors

    def judged(self, chips: Picture) -> Embedded:
        """The same, and that each is stable."""
        return Embedded(self.embed(chips), np.ones(len(chips), np.float32))
