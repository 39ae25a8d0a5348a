"""The network of a YOLO face checkpoint of Ultralytics, built anew from their own classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.tasks import PoseModel

from lfr_ray.detect.ultralytics_face import boxes_only, five_points
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.torch_checkpoint import fill, read_checkpoint


class _FirstOutput(nn.Module):
    """The decoded predictions; the raw ones beside them are for training."""

    def __init__(self, network: PoseModel) -> None:
        super().__init__()
        self.network = network
        self._anchors: dict[torch.Size, tuple[Any, ...]] = {}

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        # The head keeps the anchors of the last size alone; a recording on a GPU goes on reading where its own stood.
        head: Any = self.network.model[-1]
        if pictures.shape in self._anchors:
            head.shape, head.anchors, head.strides = self._anchors[pictures.shape]
        result: Any = self.network(pictures)
        self._anchors[pictures.shape] = head.shape, head.anchors, head.strides
        predictions: torch.Tensor = result[0] if isinstance(result, tuple) else result
        return predictions


def build(card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, dict[str, Any]]:
    """Ultralytics' own network with the file's weights, and ``kpt_shape``, the layout of its points.

    Raises:
        ModelError: Not a checkpoint of Ultralytics', or one without five points.
    """
    checkpoint = read_checkpoint(path, trust=trust)
    layout = checkpoint.about.get("yaml")
    if not isinstance(layout, Mapping):
        raise ModelError(
            f"the checkpoint of model {card.id} is not one of Ultralytics'",
            got=f"{path}: tensors without a layout",
            allowed="a .pt file as Ultralytics saves it",
        )
    stated = layout.get("kpt_shape")
    if not stated:
        raise boxes_only(card, f"{path}: a model without points")
    shape = five_points(card, stated, f"{path}")
    try:
        network = PoseModel(cfg=dict(layout), ch=3, verbose=False)
    except Exception as error:  # noqa: BLE001 - ultralytics reads the layout with whatever errors come of it
        raise ModelError(
            f"ultralytics cannot build the network of model {card.id}",
            got=f"{path}: {type(error).__name__}: {str(error)[:200]}",
            next_step="install the version of ultralytics that the file was made with",
        ) from None
    return _FirstOutput(fill(network, checkpoint.tensors, path)), {"kpt_shape": list(shape)}
