"""Embedders by the family that their card names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lfr_ray.models.cards import Embedder, ModelCard
from lfr_ray.models.load_from_card import Loading, load_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

FAMILIES = {
    "arcface": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "dlib_resnet": "lfr_ray.embed.dlib_resnet:DlibResNet",
    "edgeface": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "mobilefacenet": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "mobilefacenet_tflite": "lfr_ray.embed.onnx_generic:OnnxEmbedder",
    "onnx": "lfr_ray.embed.onnx_generic:OnnxEmbedder",
    "open_clip": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "simulated": "lfr_ray.embed.simulated_embedder:SimulatedEmbedder",
    "sface": "lfr_ray.embed.sface:SFace",
}
"""Family -> class; nothing is imported before it is asked for."""


def load_embedder(card: ModelCard, *, mirror: bool = True, **how: Unpack[Loading]) -> Embedder:
    """An embedder that is ready to run; its chips' mirror images count too, unless ``mirror`` is off: twice the work.

    How it is loaded, and the errors: see :func:`~lfr_ray.models.load_from_card.load_model`.
    """
    embedder: Embedder = load_model(card, "embed", FAMILIES, how, mirror=mirror)
    return embedder
