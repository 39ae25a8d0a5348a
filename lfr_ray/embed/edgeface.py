"""EdgeFace: a network of timm whose linear layers are products of two narrow ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.checkpoint import Tensors, fill, read_checkpoint

WRAPPER = "model."
"""What the checkpoint puts before timm's own names."""


def build(card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a verified checkpoint, and nothing else of it.

    Raises:
        ModelError: The checkpoint is of another network, or needs trust.
    """
    tensors = read_checkpoint(path, trust=trust).tensors
    if all(name.startswith(WRAPPER) for name in tensors):
        tensors = {name[len(WRAPPER) :]: value for name, value in tensors.items()}
    return fill(_untrained(card, tensors), tensors, path), {}


class _NarrowLinear(nn.Module):
    """A linear layer of low rank: first to ``rank`` numbers, then to the outputs; the names are the checkpoint's."""

    def __init__(self, inputs: int, outputs: int, rank: int, bias: bool) -> None:
        super().__init__()
        self.linear1 = nn.Linear(inputs, rank, bias=False)
        self.linear2 = nn.Linear(rank, outputs, bias=bias)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear2(self.linear1(values))
        return result


def _narrow(network: nn.Module, ranks: dict[str, int]) -> None:
    """Replace the named linear layers by narrow ones, in place.

    Args:
        network: Any module.
        ranks: Name of a linear layer -> its rank; others stay.
    """
    for name, rank in ranks.items():
        parent, _, own = name.rpartition(".")
        layer = network.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        replacement = _NarrowLinear(layer.in_features, layer.out_features, rank, layer.bias is not None)
        setattr(network.get_submodule(parent), own, replacement)


def _untrained(card: ModelCard, tensors: Tensors) -> nn.Module:
    if not timm.is_model(card.architecture):
        raise ModelError(
            f"the card of model {card.id} names no network of timm",
            got=card.architecture or "nothing",
            allowed=", ".join(timm.list_models("edgenext*")),
            next_step="correct `architecture` in the card",
        )
    network: nn.Module = timm.create_model(card.architecture, pretrained=False, num_classes=card.vector_length)
    linear = {name for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    _narrow(
        network,
        {name: len(tensors[f"{name}.linear1.weight"]) for name in linear if f"{name}.linear1.weight" in tensors},
    )
    return network
