"""dlib's face ResNet, from dlib's own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfr_ray.checks import check_array
from lfr_ray.embed.probe import settled
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.networks import open_torch
from lfr_ray.models.runtime import Device
from lfr_ray.records import Embedded, Floats, Picture

SIDE_PX = 150
VECTOR_LENGTH = 128

LARGEST_BATCH = 8
"""Chips of one call on a CPU: more at once take longer, not less."""

BUILDER = "lfr_ray.embed.dlib_network:build"


class DlibResNet:
    """The embedder of the card family ``dlib_resnet``.

    Args:
        card: The model's card.
        path: Its verified .dat file.
        device: Where it runs.
        mirror: Average each chip's vector with that of its mirror image.
    """

    def __init__(self, card: ModelCard, path: Path, device: Device, *, mirror: bool = True) -> None:
        if card.chip is None or (card.chip.width_px, card.chip.height_px) != (SIDE_PX, SIDE_PX):
            raise ModelError(
                f"the card of model {card.id} has another chip",
                got=card.chip and f"{card.chip.width_px}x{card.chip.height_px}",
                allowed=f"{SIDE_PX}x{SIDE_PX}",
            )
        self.card = card
        self.mirror = mirror
        network, _ = open_torch(card, path, device, BUILDER, side_px=(SIDE_PX, SIDE_PX), batch=LARGEST_BATCH)
        self.network = settled(network, SIDE_PX, SIDE_PX)

    def embed(self, chips: Picture) -> Floats:
        """Unit vectors of aligned chips; see :class:`lfr_ray.models.cards.Embedder`.

        Raises:
            ShapeError: Not ``uint8 (N, 150, 150, 3)``.
            ModelError: The network's output is unusable.
        """
        return self.judged(chips).vectors

    def judged(self, chips: Picture) -> Embedded:
        """The same vectors, and how stable each is; see :class:`lfr_ray.models.cards.Embedder`.

        Raises:
            ShapeError: Not ``uint8 (N, 150, 150, 3)``.
            ModelError: The network's output is unusable.
        """
        if not self.mirror or not len(chips):
            raw = self.descriptors(chips)
            return Embedded(units(raw), np.ones(len(raw), np.float32))
        check_array("chips", chips, ("N", SIDE_PX, SIDE_PX, 3), np.uint8)
        raw, mirrored = np.split(self.descriptors(np.concatenate((chips, chips[:, :, ::-1]))), 2)
        return Embedded(units(raw + mirrored), (units(raw) * units(mirrored)).sum(axis=1, dtype=np.float32))

    def descriptors(self, chips: Picture) -> Floats:
        """What dlib itself calls the face descriptor: not of unit length, not mirrored.

        Raises:
            ShapeError: Not ``uint8 (N, 150, 150, 3)``.
        """
        check_array("chips", chips, ("N", SIDE_PX, SIDE_PX, 3), np.uint8)
        if len(chips) == 0:
            return np.zeros((0, VECTOR_LENGTH), np.float32)
        return self.network.run(chips)[0]


def units(raw: Floats) -> Floats:
    """Vectors of unit length; those of no length stay zero."""
    length = np.linalg.norm(raw, axis=1, keepdims=True)
    vectors: Floats = raw / np.maximum(length, np.finfo(np.float32).tiny)
    return vectors
