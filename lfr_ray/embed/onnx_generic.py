"""Any embedder in an ONNX or TFLite file: everything that is particular to it stands in its card."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.embed.chip_embedder import LARGEST_BATCH, ChipEmbedder, chip_of
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.choose_runtime import open_file
from lfr_ray.models.device_and_self_test import Device


class OnnxEmbedder(ChipEmbedder):
    """The embedder of the card families ``onnx`` and ``mobilefacenet_tflite``.

    The card states chip, colour order, mean, scale and vector length; the file's first output is the vector.
    """

    def __init__(self, card: ModelCard, path: Path, device: Device, *, mirror: bool = True) -> None:
        network = open_file(card, path, device, batch=LARGEST_BATCH)
        chip_of(card, network.width_px, network.height_px)
        super().__init__(card, network, mirror=mirror)
