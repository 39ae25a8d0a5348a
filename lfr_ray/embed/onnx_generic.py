"""Any embedder in an ONNX file: everything that is particular to it stands in its card."""

from __future__ import annotations

from pathlib import Path

import torch

from lfr_ray.embed.chip_embedder import ChipEmbedder, chip_of
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.onnx_session import OnnxSession, choose_onnx_device


class OnnxEmbedder(ChipEmbedder):
    """The embedder of the card family ``onnx``.

    The card states chip, colour order, mean, scale and vector length; the file's first output is the vector.

    Args:
        card: The model's card.
        path: Its verified ONNX file.
        device: Where it runs.
        mirror: Average each chip's vector with that of its mirror image.
    """

    choose_device = staticmethod(choose_onnx_device)

    def __init__(self, card: ModelCard, path: Path, device: torch.device, *, mirror: bool = True) -> None:
        session = OnnxSession(path, device, card)
        chip_of(card, session.width_px, session.height_px)
        super().__init__(card, device, session, mirror=mirror)
