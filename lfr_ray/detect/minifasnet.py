"""MiniFASNet as a torch module: is this a face, or a picture of one? Widths are read off the checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lfr_ray.models.cards import ModelCard
from lfr_ray.models.checkpoint import Tensors, another_network, fill, read_checkpoint

CLASSES = 3

STAGES = {"conv_3": 4, "conv_4": 6, "conv_5": 2}
"""Names of the residual stages and how many units each has."""


class _Layer(nn.Module):
    """Convolution and batch norm, with or without activation; the names are the checkpoint's."""

    def __init__(self, weights: Tensors, name: str, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        after, each, *side = weights[f"{name}.conv.weight"].shape
        # One input channel a filter: every channel is looked at by itself.
        groups = after if each == 1 else 1
        self.conv = nn.Conv2d(each * groups, after, (side[0], side[1]), stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(after)
        self.active = f"{name}.prelu.weight" in weights
        if self.active:
            self.prelu = nn.PReLU(after)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.bn(self.conv(values))
        return self.prelu(normed) if self.active else normed


class _Excitation(nn.Module):
    """Channels weighted by what the whole picture shows."""

    def __init__(self, weights: Tensors, name: str) -> None:
        super().__init__()
        narrow, wide = weights[f"{name}.fc1.weight"].shape[:2]
        self.fc1, self.bn1 = nn.Conv2d(wide, narrow, 1, bias=False), nn.BatchNorm2d(narrow)
        self.fc2, self.bn2 = nn.Conv2d(narrow, wide, 1, bias=False), nn.BatchNorm2d(wide)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        mean = functional.adaptive_avg_pool2d(values, 1)
        weight: torch.Tensor = torch.sigmoid(self.bn2(self.fc2(functional.relu(self.bn1(self.fc1(mean))))))
        return values * weight


class _Unit(nn.Module):
    """Widened, looked at channel by channel, narrowed; a residual unit is added to its input."""

    def __init__(self, weights: Tensors, name: str, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.conv = _Layer(weights, f"{name}.conv")
        self.conv_dw = _Layer(weights, f"{name}.conv_dw", stride=1 if residual else 2, padding=1)
        self.project = _Layer(weights, f"{name}.project")
        if f"{name}.se_module.fc1.weight" in weights:
            self.se_module: nn.Module = _Excitation(weights, f"{name}.se_module")
        else:
            self.se_module = nn.Identity()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.se_module(self.project(self.conv_dw(self.conv(values))))
        return values + result if self.residual else result


class _Stage(nn.Module):
    def __init__(self, weights: Tensors, name: str, count: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*(_Unit(weights, f"{name}.model.{at}", residual=True) for at in range(count)))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.model(values)
        return result


class MiniFasNet(nn.Module):
    """MiniFASNetV1, V2 or their variants with excitation, whichever the weights are of.

    Args:
        weights: The checkpoint's tensors; only their shapes are used.

    Raises:
        KeyError: A layer is missing.
        ValueError: A layer of another kind.
    """

    def __init__(self, weights: Tensors) -> None:
        super().__init__()
        self.conv1 = _Layer(weights, "conv1", stride=2, padding=1)
        self.conv2_dw = _Layer(weights, "conv2_dw", padding=1)
        self.conv_23 = _Unit(weights, "conv_23", residual=False)
        self.conv_3 = _Stage(weights, "conv_3", STAGES["conv_3"])
        self.conv_34 = _Unit(weights, "conv_34", residual=False)
        self.conv_4 = _Stage(weights, "conv_4", STAGES["conv_4"])
        self.conv_45 = _Unit(weights, "conv_45", residual=False)
        self.conv_5 = _Stage(weights, "conv_5", STAGES["conv_5"])
        self.conv_6_sep = _Layer(weights, "conv_6_sep")
        self.conv_6_dw = _Layer(weights, "conv_6_dw")
        length, inputs = weights["linear.weight"].shape
        self.linear = nn.Linear(inputs, length, bias=False)
        self.bn = nn.BatchNorm1d(length)
        self.prob = nn.Linear(length, CLASSES, bias=False)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Probabilities ``(N, 3)`` of crops ``(N, 3, 80, 80)``."""
        values = self.conv_3(self.conv_23(self.conv2_dw(self.conv1(crops))))
        values = self.conv_5(self.conv_45(self.conv_4(self.conv_34(values))))
        values = self.conv_6_dw(self.conv_6_sep(values)).flatten(1)
        return functional.softmax(self.prob(self.bn(self.linear(values))), dim=1)


def build(_card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a verified checkpoint, and nothing else of it.

    Raises:
        ModelError: The checkpoint is of another network, or needs trust.
    """
    tensors = read_checkpoint(path, trust=trust).tensors
    try:
        network = MiniFasNet(tensors)
    except (KeyError, IndexError, ValueError) as error:
        raise another_network(path, f"no {error}", "the layers of MiniFASNet") from None
    return fill(network, tensors, path), {}
