"""SFace, the embedder of OpenCV's model zoo: its file scales and centres the pixels itself."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.embed.onnx_generic import OnnxEmbedder
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import Device


class SFace(OnnxEmbedder):
    """The embedder of the card family ``sface``."""

    def __init__(self, card: ModelCard, path: Path, device: Device, *, mirror: bool = True) -> None:
        # A card that scales the pixels a second time gives vectors that look right and are not.
        if any(card.mean) or card.scale != 1.0 or card.colour != "RGB":
            raise ModelError(
                f"the card of model {card.id} prepares the pixels, which SFace does itself",
                got=f"colour {card.colour}, mean {card.mean}, scale {card.scale:g}",
                allowed="colour RGB, mean 0, scale 1",
                next_step="correct the card",
            )
        super().__init__(card, path, device, mirror=mirror)
