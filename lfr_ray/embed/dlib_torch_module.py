"""dlib's face ResNet as a torch module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lfr_ray.embed.dlib_resnet import SIDE_PX
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.dlib_file import AFFINE, CONVOLUTION, FULL, read_dlib

VECTOR_LENGTH = 128
STEM_CHANNELS = 32

BLOCKS = (
    *((32, False),) * 3,
    (64, True),
    *((64, False),) * 3,
    (128, True),
    *((128, False),) * 2,
    (256, True),
    *((256, False),) * 2,
    (256, True),
)
"""Residual blocks from the input on: channels, and whether the block halves the picture."""


def build(_card: ModelCard, path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network with the file's weights, and nothing else of it.

    Raises:
        ModelError: The file has other layers than this network.
    """
    layers = read_dlib(path)
    network = _Network()
    wanted = _wanted(network)
    found = [(name, int(values.size)) for name, values in layers]
    if found != wanted:
        place = next(
            (index for index, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]),
            min(len(found), len(wanted)),
        )
        raise ModelError(
            "the weight file is another dlib network",
            got=f"{path}: layer {place + 1} is {_in_words(found, place)}",
            allowed=_in_words(wanted, place),
            next_step="use the file that the model card describes",
        )
    with torch.no_grad():
        _fill(network, [torch.from_numpy(values) for _, values in layers])
    return network, {}


class _Block(nn.Module):
    """Two convolutions and a short cut; dlib zero-pads the smaller of the two at its end before the sum."""

    def __init__(self, before: int, after: int, halves: bool, side_px: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=2 if halves else 1, padding=0 if halves else 1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.halves = halves
        main_px = (side_px - 3) // 2 + 1 if halves else side_px
        cut_px = side_px // 2 if halves else side_px
        self.side_px = max(main_px, cut_px)
        self.main_pad = self.side_px - main_px
        self.cut_pad = self.side_px - cut_px
        self.cut_channels = after - before

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        main = self.second(functional.relu(self.first(values)))
        cut = functional.avg_pool2d(values, 2, 2) if self.halves else values
        if self.main_pad:
            main = functional.pad(main, (0, self.main_pad, 0, self.main_pad))
        if self.cut_pad or self.cut_channels:
            cut = functional.pad(cut, (0, self.cut_pad, 0, self.cut_pad, 0, self.cut_channels))
        return functional.relu(main + cut)


class _Network(nn.Module):
    """Each of dlib's affine layers is folded into the convolution before it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM_CHANNELS, 7, stride=2)
        side_px = ((SIDE_PX - 7) // 2 + 1 - 3) // 2 + 1
        channels = STEM_CHANNELS
        blocks = []
        for after, halves in BLOCKS:
            blocks.append(_Block(channels, after, halves, side_px))
            channels, side_px = after, blocks[-1].side_px
        self.blocks = nn.Sequential(*blocks)
        self.full = nn.Linear(channels, VECTOR_LENGTH, bias=False)

    def convolutions(self) -> list[nn.Conv2d]:
        """Every convolution, from the input on, as the file has them."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        values = functional.max_pool2d(functional.relu(self.stem(chips)), 3, 2)
        vectors: torch.Tensor = self.full(self.blocks(values).mean(dim=(2, 3)))
        return vectors


def _wanted(network: _Network) -> list[tuple[str, int]]:
    """Name and number of parameters of every layer that the file must have."""
    wanted = []
    for convolution in network.convolutions():
        wanted.append((CONVOLUTION, convolution.weight.numel() + convolution.out_channels))
        wanted.append((AFFINE, 2 * convolution.out_channels))
    return [*wanted, (FULL, network.full.weight.numel())]


def _in_words(layers: list[tuple[str, int]], place: int) -> str:
    return f"{layers[place][0]} with {layers[place][1]} numbers" if place < len(layers) else "no more layer"


def _fill(network: _Network, layers: list[torch.Tensor]) -> None:
    for index, convolution in enumerate(network.convolutions()):
        values = layers[2 * index]
        gain, offset = layers[2 * index + 1].view(2, -1)
        count = convolution.weight.numel()
        convolution.weight.copy_(values[:count].view_as(convolution.weight) * gain.view(-1, 1, 1, 1))
        assert convolution.bias is not None
        convolution.bias.copy_(values[count:] * gain + offset)
    # dlib keeps the fully connected layer as inputs x outputs.
    full = layers[-1].view(network.full.in_features, VECTOR_LENGTH)
    network.full.weight.copy_(full.T)
