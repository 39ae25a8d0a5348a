"""YOLO face models of Ultralytics: pose models with five points, as torch checkpoints or as ONNX files.

The checkpoints are whole pickled programs, so they are opened only once trusted (see ``models/checkpoint.py``); the
network itself is then built anew from ultralytics' own classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lfr_ray.detect.candidates import CandidateDetector, Candidates, OnnxDetector
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.checkpoint import fill, read_checkpoint
from lfr_ray.models.runtime import Runtime
from lfr_ray.records import POINTS, Floats, Picture

MAX_OVERLAP = 0.45
BOX = 4
SUPPRESSED = 6
"""Numbers before the points where the graph suppresses overlaps itself: box corners, score, class."""

USE_POSE = "use a pose model trained with five facial points, or a detector that has them (`lfr models list`)"


class UltralyticsFace(CandidateDetector):
    """The detector of the card family ``ultralytics_face``: a ``.pt`` checkpoint.

    Args:
        card: The model's card.
        path: Its verified checkpoint.
        device: Where it runs.
        min_score: Detections below are dropped.
        trust: The checkpoint may be unpacked, in a process of its own.
    """

    reads_pickles = True
    max_overlap = MAX_OVERLAP

    def __init__(
        self, card: ModelCard, path: Path, device: torch.device, *, min_score: float = 0.5, trust: bool = False
    ) -> None:
        super().__init__(card, path, device, min_score=min_score)
        network, self._shape = _network(card, path, trust=trust)
        self._runtime = Runtime(network, device, card)

    def candidates(self, pictures: Picture) -> list[Candidates]:
        """What the network says of every anchor of every picture.

        Raises:
            ModelError: The network's output is unusable.
        """
        output = self._runtime.run(pictures)[0].cpu().numpy()
        return [decode(one, self._shape, self.card) for one in output]


class UltralyticsFaceOnnx(OnnxDetector):
    """The detector of the card family ``ultralytics_face_onnx``: an exported ``.onnx`` file.

    Args:
        card: The model's card.
        path: Its verified ONNX file.
        device: Where it runs.
        min_score: Detections below are dropped.
    """

    max_overlap = MAX_OVERLAP

    def __init__(self, card: ModelCard, path: Path, device: torch.device, *, min_score: float = 0.5) -> None:
        super().__init__(card, path, device, min_score=min_score)
        # Written by the exporter; a file without it is taken for five points with visibility.
        stated = self.session.metadata.get("kpt_shape")
        if self.session.metadata.get("task", "pose") != "pose":
            raise _boxes_only(card, f"{path}: a model for the task {self.session.metadata['task']}")
        self._shape = _five_points(card, json.loads(stated) if stated else [POINTS, 3], f"{path}")

    def candidates(self, pictures: Picture) -> list[Candidates]:
        """What the network says of every anchor of every picture.

        Raises:
            ModelError: The network's output is unusable, or gives boxes only.
        """
        return [decode(one, self._shape, self.card) for one in self.session.run(pictures)[0]]


def decode(output: Floats, shape: tuple[int, int], card: ModelCard) -> Candidates:
    """Boxes, scores and points of one picture.

    Args:
        output: ``(box + classes + points, N)`` with centre, width and height; or, where the graph suppresses
            overlaps itself, ``(N, corners + score + class + points)``.
        shape: Points, and numbers a point.
        card: For messages.

    Raises:
        ModelError: Another layout, or boxes only.
    """
    numbers = shape[0] * shape[1]
    if output.ndim == 2 and output.shape[1] == SUPPRESSED + numbers:
        boxes, scores = output[:, :BOX], output[:, BOX]
        marks = output[:, SUPPRESSED:]
    elif output.ndim == 2 and output.shape[0] > BOX + numbers:
        rows = output.T
        half = rows[:, 2:BOX] / 2
        boxes = np.concatenate((rows[:, :2] - half, rows[:, :2] + half), axis=1)
        scores, marks = rows[:, BOX:-numbers].max(axis=1), rows[:, -numbers:]
    else:
        raise _boxes_only(card, f"an output of shape {output.shape}")
    points = marks.reshape(len(marks), *shape)[:, :, :2]
    each = (np.ascontiguousarray(values, np.float32) for values in (boxes, scores, points))
    return Candidates(*each)


class _FirstOutput(nn.Module):
    """The decoded predictions; the raw ones beside them are for training."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        result: Any = self.network(pictures)
        predictions: torch.Tensor = result[0] if isinstance(result, tuple) else result
        return predictions


def _network(card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, tuple[int, int]]:
    """Ultralytics' own network with the file's weights, and the layout of its points."""
    from ultralytics.nn.tasks import PoseModel  # a second to import, and only this family needs it

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
        raise _boxes_only(card, f"{path}: a model without points")
    shape = _five_points(card, stated, f"{path}")
    try:
        network = PoseModel(cfg=dict(layout), ch=3, verbose=False)
    except Exception as error:  # noqa: BLE001 - ultralytics reads the layout with whatever errors come of it
        raise ModelError(
            f"ultralytics cannot build the network of model {card.id}",
            got=f"{path}: {type(error).__name__}: {str(error)[:200]}",
            next_step="install the version of ultralytics that the file was made with",
        ) from None
    return _FirstOutput(fill(network, checkpoint.tensors, path)), shape


def _five_points(card: ModelCard, stated: Any, where: str) -> tuple[int, int]:
    shape = tuple(int(side) for side in stated)
    if len(shape) != 2 or shape[0] != POINTS or shape[1] not in (2, 3):
        raise ModelError(
            f"the model {card.id} gives other points than faces are aligned by",
            got=f"{where}: points of shape {shape}",
            allowed=f"({POINTS}, 2) or ({POINTS}, 3): eyes, nose tip, mouth corners",
            next_step=USE_POSE,
        )
    return shape[0], shape[1]


def _boxes_only(card: ModelCard, got: str) -> ModelError:
    return ModelError(
        f"the model {card.id} gives no facial points, without which no face can be aligned and compared",
        got=got,
        allowed="boxes with five points",
        next_step=USE_POSE,
    )
