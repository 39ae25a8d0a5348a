"""EdgeFace: a network of timm whose linear layers are products of two narrow ones."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import timm
from torch import nn

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.torch_checkpoint import Tensors, fill, read_checkpoint

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


def _narrow_linear(layer: nn.Linear, rank: int) -> nn.Module:
    """A linear layer of low rank: first to ``rank`` numbers, then to the outputs; the names are the checkpoint's."""
    first = nn.Linear(layer.in_features, rank, bias=False)
    second = nn.Linear(rank, layer.out_features, bias=layer.bias is not None)
    return nn.Sequential(OrderedDict(linear1=first, linear2=second))


def _untrained(card: ModelCard, tensors: Tensors) -> nn.Module:
    if not timm.is_model(card.architecture):
        raise ModelError(
            f"the card of model {card.id} names no network of timm",
            got=card.architecture or "nothing",
            allowed=", ".join(timm.list_models("edgenext*")),
            next_step="correct `architecture` in the card",
        )
    network: nn.Module = timm.create_model(card.architecture, pretrained=False, num_classes=card.vector_length)
    linear = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    for name, layer in linear.items():
        narrow = tensors.get(f"{name}.linear1.weight")
        if narrow is not None:
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, _narrow_linear(layer, len(narrow)))
    return network
