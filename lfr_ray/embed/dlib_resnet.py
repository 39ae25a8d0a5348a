"""dlib's face ResNet, from dlib's own file."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.embed.chip_embedder import LARGEST_BATCH, ChipEmbedder, chip_of
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.choose_runtime import open_torch
from lfr_ray.models.device_and_self_test import Device

SIDE_PX = 150


class DlibResNet(ChipEmbedder):
    """The embedder of the card family ``dlib_resnet``, from its verified .dat file."""

    equal_views = False
    """It was calibrated so."""

    def __init__(self, card: ModelCard, path: Path, device: Device, *, mirror: bool = True) -> None:
        chip_of(card, SIDE_PX, SIDE_PX)
        builder = "lfr_ray.embed.dlib_torch_module:build"
        network, _ = open_torch(card, path, device, builder, side_px=(SIDE_PX, SIDE_PX), batch=LARGEST_BATCH)
        super().__init__(card, network, mirror=mirror)
