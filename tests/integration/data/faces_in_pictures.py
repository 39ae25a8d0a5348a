"""Pictures as they are read, the faces that a detector finds there, and how far two boxes are one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lfr_ray.detect.letterbox import fit
from lfr_ray.models.cards import Detector
from lfr_ray.records import Faces, Picture


def read(path: Path) -> Picture:
    return np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)


def find(detector: Detector, picture: Picture, width_px: int, height_px: int) -> Faces:
    canvas, mapping = fit(picture, width_px, height_px)
    return mapping.back(detector.detect(canvas[None])[0])


def overlap(box: Any, boxes: Any) -> Any:
    """Intersection over union of one box with many."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    return common / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common)
