"""YOLO face models of Ultralytics: pose models with five points, as torch checkpoints or as ONNX files.

The checkpoints are whole pickled programs, so they are opened only once trusted (see ``models/torch_checkpoint.py``);
the network itself is then built anew from ultralytics' own classes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lfr_ray.detect.candidates import CandidateDetector, Candidates, OnnxDetector
from lfr_ray.detect.detector_self_test import PICTURE_PX
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.choose_runtime import open_torch
from lfr_ray.models.device_and_self_test import Device, Network
from lfr_ray.records import POINTS, Floats, Picture

BUILDER = "lfr_ray.detect.ultralytics_network:build"

BOX = 4
SUPPRESSED = 6
"""Numbers before the points where the graph suppresses overlaps itself: box corners, score, class."""

USE_POSE = "use a pose model trained with five facial points, or a detector that has them (`lfr models list`)"


class _PoseDetector(CandidateDetector):
    max_overlap = 0.45
    _shape: tuple[int, int]

    def candidates(self, network: Network, pictures: Picture, min_score: float) -> list[Candidates]:
        """What the network says of every anchor of every picture."""
        return [decode(one, self._shape, self.card) for one in network.run(pictures)[0]]


class UltralyticsFace(_PoseDetector):
    """The detector of the card family ``ultralytics_face``: a ``.pt`` checkpoint, unpacked only with ``trust``."""

    reads_pickles = True

    def __init__(
        self, card: ModelCard, path: Path, device: Device, *, min_score: float = 0.5, trust: bool = False
    ) -> None:
        side_px = (PICTURE_PX[1], PICTURE_PX[0])
        network, about = open_torch(card, path, device, BUILDER, side_px=side_px, batch=1, trust=trust)
        self._shape = five_points(card, about["kpt_shape"], f"{path}")
        super().__init__(card, path, network, min_score=min_score)


class UltralyticsFaceOnnx(_PoseDetector, OnnxDetector):
    """The detector of the card family ``ultralytics_face_onnx``: an exported ``.onnx`` file."""

    def check_file(self, network: Network) -> None:
        """Read the layout of the points; a file that does not state it is taken for five points with visibility."""
        stated = network.metadata.get("kpt_shape")
        if network.metadata.get("task", "pose") != "pose":
            raise boxes_only(self.card, f"{self._path}: a model for the task {network.metadata['task']}")
        self._shape = five_points(self.card, json.loads(stated) if stated else [POINTS, 3], f"{self._path}")


def decode(output: Floats, shape: tuple[int, int], card: ModelCard) -> Candidates:
    """Boxes, scores and points of one picture; ``shape`` is points, and numbers a point.

    The output is ``(box + classes + points, N)`` with centre, width and height; or, where the graph suppresses overlaps
    itself, ``(N, corners + score + class + points)``.

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
        raise boxes_only(card, f"an output of shape {output.shape}")
    points = marks.reshape(len(marks), *shape)[:, :, :2]
    boxes, scores, points = (np.ascontiguousarray(values, np.float32) for values in (boxes, scores, points))
    return Candidates(boxes, scores, points)


def five_points(card: ModelCard, stated: Any, where: str) -> tuple[int, int]:
    """Points, and numbers a point, as a file states them.

    Raises:
        ModelError: Not five points.
    """
    shape = tuple(int(side) for side in stated)
    if len(shape) != 2 or shape[0] != POINTS or shape[1] not in (2, 3):
        raise ModelError(
            f"the model {card.id} gives other points than faces are aligned by",
            got=f"{where}: points of shape {shape}",
            allowed=f"({POINTS}, 2) or ({POINTS}, 3): eyes, nose tip, mouth corners",
            next_step=USE_POSE,
        )
    return shape[0], shape[1]


def boxes_only(card: ModelCard, got: str) -> ModelError:
    """The error of a model without facial points."""
    return ModelError(
        f"the model {card.id} gives no facial points, without which no face can be aligned and compared",
        got=got,
        allowed="boxes with five points",
        next_step=USE_POSE,
    )
