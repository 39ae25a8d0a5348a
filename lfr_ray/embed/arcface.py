"""IR-ResNet, the network of ArcFace and AdaFace, from either of the two layouts in which checkpoints name its layers.

Depth, widths and vector length are read off the checkpoint; colour order and scaling are the card's. InsightFace's
networks expect RGB, AdaFace's expect BGR, and either runs on the other without complaint.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lfr_ray.embed.chip_embedder import chip_of
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.torch_checkpoint import Tensors, another_network, fill, read_checkpoint

LIGHTNING = "model."
"""What the programs that trained AdaFace put before the network's own names."""

BLOCK = ("before", "first", "between", "act", "second", "after")
"""Layers of a residual block, in their order."""

INSIGHTFACE = dict(zip(("bn1", "conv1", "bn2", "prelu", "conv2", "bn3"), BLOCK, strict=True))
"""What InsightFace's iresnet calls the layers of a block."""

ENDS = {
    "input_layer.0": "stem.0",
    "input_layer.1": "stem.1",
    "input_layer.2": "stem.2",
    "output_layer.0": "norm",
    "output_layer.3": "full",
    "output_layer.4": "vector",
    "conv1": "stem.0",
    "bn1": "stem.1",
    "prelu": "stem.2",
    "bn2": "norm",
    "fc": "full",
    "features": "vector",
}
"""Layers before and behind the blocks, in TFace's layout (AdaFace) and in InsightFace's -> our names."""

TFACE_BLOCK = re.compile(r"body\.(\d+)\.(res_layer|shortcut_layer)\.(\d+)\.(\w+)")
INSIGHTFACE_BLOCK = re.compile(r"layer(\d+)\.(\d+)\.(\w+?)(?:\.(\d+))?\.(\w+)")


def build(card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a verified checkpoint, and nothing else of it.

    Raises:
        ModelError: The checkpoint is of another network, or needs trust.
    """
    chip = chip_of(card)
    tensors = _renamed(read_checkpoint(path, trust=trust).tensors, path)
    network = fill(_build(tensors, path), tensors, path)
    _check_side(network, chip.width_px, chip.height_px, path)
    return network, {}


class _Block(nn.Module):
    """Two convolutions and a short cut; the second convolution may halve the map."""

    def __init__(self, before: int, after: int, halves: bool, cut: bool) -> None:
        super().__init__()
        stride = 2 if halves else 1
        self.before = nn.BatchNorm2d(before)
        self.first = nn.Conv2d(before, after, 3, 1, 1, bias=False)
        self.between = nn.BatchNorm2d(after)
        self.act = nn.PReLU(after)
        self.second = nn.Conv2d(after, after, 3, stride, 1, bias=False)
        self.after = nn.BatchNorm2d(after)
        self.cut: nn.Module = nn.MaxPool2d(1, stride)
        if cut:
            self.cut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        main = self.act(self.between(self.first(self.before(values))))
        result: torch.Tensor = self.after(self.second(main)) + self.cut(values)
        return result


class _IrResNet(nn.Module):
    """The network, in our own names."""

    def __init__(
        self, stem: int, blocks: list[tuple[int, int, bool, bool]], inputs: int, length: int, affine: bool
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.PReLU(stem))
        self.blocks = nn.Sequential(*(_Block(*block) for block in blocks))
        self.norm = nn.BatchNorm2d(blocks[-1][1])
        self.full = nn.Linear(inputs, length)
        self.vector = nn.BatchNorm1d(length, affine=affine)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        values = self.norm(self.blocks(self.stem(chips))).flatten(1)
        vectors: torch.Tensor = self.vector(self.full(values))
        return vectors


def _renamed(tensors: Tensors, path: Path) -> Tensors:
    """The tensors under our own names; what belongs to the training (AdaFace's head) is left out.

    Raises:
        ModelError: A layer that neither layout has.
    """
    if any(name.startswith(LIGHTNING) for name in tensors):
        tensors = {name[len(LIGHTNING) :]: value for name, value in tensors.items() if name.startswith(LIGHTNING)}
    stages = sorted({(int(found[1]), int(found[2])) for found in map(INSIGHTFACE_BLOCK.fullmatch, tensors) if found})
    place = {stage: index for index, stage in enumerate(stages)}
    result = {}
    for name, value in tensors.items():
        ours = _our_name(name, place)
        if ours is None:
            raise another_network(path, f"a layer {name}", "the layers of an IR-ResNet of basic blocks")
        result[ours] = value
    return result


def _build(tensors: Tensors, path: Path) -> _IrResNet:
    """An untrained network of the shape that the tensors have.

    Raises:
        ModelError: The tensors make no IR-ResNet.
    """
    blocks: list[tuple[int, int, bool, bool]] = []
    try:
        while (first := tensors.get(f"blocks.{len(blocks)}.first.weight")) is not None:
            after, before = first.shape[:2]
            cut = f"blocks.{len(blocks)}.cut.0.weight" in tensors
            blocks.append((before, after, not blocks or before != after or cut, cut))
        length, inputs = tensors["full.weight"].shape
        return _IrResNet(tensors["stem.0.weight"].shape[0], blocks, inputs, length, "vector.weight" in tensors)
    except (KeyError, IndexError, ValueError) as error:
        raise another_network(path, f"{type(error).__name__} {error}", "stem, blocks and a full layer") from None


def _our_name(name: str, place: dict[tuple[int, int], int]) -> str | None:
    tface = TFACE_BLOCK.fullmatch(name)
    if tface:
        index, part, layer, rest = tface.groups()
        if part == "shortcut_layer":
            return f"blocks.{index}.cut.{layer}.{rest}"
        return f"blocks.{index}.{BLOCK[int(layer)]}.{rest}" if int(layer) < len(BLOCK) else None
    insightface = INSIGHTFACE_BLOCK.fullmatch(name)
    if insightface:
        stage, number, layer, part, rest = insightface.groups()
        index = str(place[int(stage), int(number)])
        if layer == "downsample" and part:
            return f"blocks.{index}.cut.{part}.{rest}"
        return f"blocks.{index}.{INSIGHTFACE[layer]}.{rest}" if layer in INSIGHTFACE and not part else None
    layer, _, rest = name.rpartition(".")
    return f"{ENDS[layer]}.{rest}" if layer in ENDS else None


def _check_side(network: nn.Module, width_px: int, height_px: int, path: Path) -> None:
    """The full layer takes a map of one size, so the chip's size follows from it."""
    assert isinstance(network, _IrResNet)
    channels = network.norm.num_features
    width, height = width_px, height_px
    for block in network.blocks:
        assert isinstance(block, _Block)
        stride = block.second.stride[0]
        width, height = -(-width // stride), -(-height // stride)
    if width * height * channels != network.full.in_features:
        raise another_network(
            path,
            f"a full layer of {network.full.in_features} inputs",
            f"{width * height * channels} inputs for the card's chip of {width_px}x{height_px}",
        )
