"""The deployed models behind the protocols of plain ones: for enrolment, which is no camera."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfr_ray.models.cards import ModelCard
from lfr_ray.records import Faces, Floats, Picture


class RemoteDetector:
    """A detector whose replicas are elsewhere; a batch is spread over all of them."""

    def __init__(self, card: ModelCard, handle: Any) -> None:
        self.card = card
        self._detect = handle.detect

    def detect(self, pictures: Picture) -> list[Faces]:
        """Faces in every picture of ``uint8 (B, H, W, 3)``."""
        return [answer.result() for answer in [self._detect.remote(picture) for picture in pictures]]


class RemoteEmbedder:
    """An embedder whose replicas are elsewhere."""

    def __init__(self, card: ModelCard, handle: Any) -> None:
        self.card = card
        self._embed = handle.embed

    def embed(self, chips: Picture) -> Floats:
        """Unit vectors ``float32 (N, D)`` of chips ``uint8 (N, h, w, 3)``."""
        if not len(chips):
            return np.zeros((0, self.card.vector_length), np.float32)
        vectors: Floats = self._embed.remote(chips).result()
        return vectors
