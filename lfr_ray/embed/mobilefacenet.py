"""MobileFaceNet as a torch module, in the layout of the MobileFaceNet_Pytorch checkpoints."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lfr_ray.embed.chip_embedder import chip_of
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.torch_checkpoint import fill, read_checkpoint

STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Bottlenecks from the input on: expansion, channels, how many, stride of the first."""

STEM_CHANNELS = 64
WIDE_CHANNELS = 512
SIZE_PX = (96, 112)
"""Width and height of the chip: the last convolution covers a map of 6 x 7."""


def build(card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a verified checkpoint, and nothing else of it.

    Raises:
        ModelError: The checkpoint is of another network, or needs trust.
    """
    chip_of(card, *SIZE_PX)
    return fill(_Network(card.vector_length), read_checkpoint(path, trust=trust).tensors, path), {}


def _layer(
    before: int,
    after: int,
    kernel: int | tuple[int, int],
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    active: bool = True,
) -> nn.Module:
    """Convolution and batch norm, with or without activation; the names are the checkpoint's."""
    convolution = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=convolution, bn=nn.BatchNorm2d(after))
    if active:
        layers["prelu"] = nn.PReLU(after)
    return nn.Sequential(layers)


class _Bottleneck(nn.Module):
    """Widened, looked at channel by channel, narrowed; added to its input where the two are alike."""

    def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.added = stride == 1 and before == after
        self.conv = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.conv(values)
        return values + result if self.added else result


class _Network(nn.Module):
    def __init__(self, vector_length: int) -> None:
        super().__init__()
        self.conv1 = _layer(3, STEM_CHANNELS, 3, stride=2, padding=1)
        self.dw_conv1 = _layer(STEM_CHANNELS, STEM_CHANNELS, 3, padding=1, groups=STEM_CHANNELS)
        blocks: list[nn.Module] = []
        channels = STEM_CHANNELS
        for expansion, after, count, stride in STAGES:
            for index in range(count):
                blocks.append(_Bottleneck(channels, after, stride if index == 0 else 1, expansion))
                channels = after
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = _layer(channels, WIDE_CHANNELS, 1)
        self.linear7 = _layer(WIDE_CHANNELS, WIDE_CHANNELS, (7, 6), groups=WIDE_CHANNELS, active=False)
        self.linear1 = _layer(WIDE_CHANNELS, vector_length, 1, active=False)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        values = self.conv2(self.blocks(self.dw_conv1(self.conv1(chips))))
        vectors: torch.Tensor = self.linear1(self.linear7(values)).flatten(1)
        return vectors
