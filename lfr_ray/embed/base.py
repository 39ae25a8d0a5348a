"""Embedders by the family that their card names."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.models.cards import Embedder, ModelCard
from lfr_ray.models.loading import DeclaredUse, load_model

FAMILIES = {
    "arcface": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "dlib_resnet": "lfr_ray.embed.dlib_resnet:DlibResNet",
    "edgeface": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "mobilefacenet": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "mobilefacenet_tflite": "lfr_ray.embed.onnx_generic:OnnxEmbedder",
    "onnx": "lfr_ray.embed.onnx_generic:OnnxEmbedder",
    "open_clip": "lfr_ray.embed.chip_embedder:TorchEmbedder",
    "simulated": "lfr_ray.embed.simulated:SimulatedEmbedder",
    "sface": "lfr_ray.embed.sface:SFace",
}
"""Family -> class; nothing is imported before it is asked for."""


def load_embedder(
    card: ModelCard,
    *,
    device: str = "auto",
    weights: Path | None = None,
    mirror: bool = True,
    threads: int | None = None,
    streams: int = 1,
    declared_use: DeclaredUse = "test",
    trust: bool = False,
) -> Embedder:
    """An embedder that is ready to run.

    Args:
        card: From :func:`lfr_ray.models.catalogue.card`.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, ``intel_gpu`` or ``intel_npu``.
        weights: A file instead of the one that the card finds.
        mirror: Average each chip's vector with that of its mirror image: twice the work, fewer errors.
        threads: Compute threads of this process, for all streams together; None leaves them as they are.
        streams: Batches that a CPU works on at the same time, for callers with as many threads.
        declared_use: ``operational``, ``research`` or ``test``; the card's licence must allow it.
        trust: Unpack a checkpoint that is a pickled program (in a process of its own).

    Raises:
        LicenceError: The licence forbids the declared use.
        ModelError: A weight file that is missing, altered or of another kind.
        ResourceError: The device is not there.
    """
    embedder: Embedder = load_model(
        card,
        "embed",
        FAMILIES,
        device=device,
        weights=weights,
        threads=threads,
        streams=streams,
        declared_use=declared_use,
        trust=trust,
        mirror=mirror,
    )
    return embedder
