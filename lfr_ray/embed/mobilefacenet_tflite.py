"""MobileFaceNet in a TFLite file, as apps carry it."""

from __future__ import annotations

from pathlib import Path

import torch

from lfr_ray.embed.chip_embedder import ChipEmbedder, chip_of
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.tflite import TfliteSession, choose_tflite_device


class MobileFaceNetTflite(ChipEmbedder):
    """The embedder of the card family ``mobilefacenet_tflite``.

    Args:
        card: The model's card.
        path: Its verified TFLite file.
        device: Where it runs.
        mirror: Average each chip's vector with that of its mirror image.
    """

    choose_device = staticmethod(choose_tflite_device)

    def __init__(self, card: ModelCard, path: Path, device: torch.device, *, mirror: bool = True) -> None:
        session = TfliteSession(path, card)
        chip_of(card, session.width_px, session.height_px)
        super().__init__(card, device, session, mirror=mirror)
