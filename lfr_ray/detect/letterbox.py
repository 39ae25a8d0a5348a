"""A picture of any size onto a detector's canvas, and the faces found there back again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lfr_ray.array_checks import check_picture
from lfr_ray.errors import ShapeError
from lfr_ray.models.shrink_pictures import halved
from lfr_ray.records import Faces, Floats, Image, Picture


@dataclass(frozen=True, slots=True)
class Placement:
    """How a picture lies on its canvas: top left, scaled, the rest is black.

    Attributes:
        scale_x: Canvas pixels per source pixel; the two differ by less than a pixel over the whole side.
        width_px: Of the source; so is the height.
    """

    scale_x: float
    scale_y: float
    width_px: int
    height_px: int

    def back(self, faces: Faces) -> Faces:
        """The same faces in source pixels; boxes end at the picture's edges, points may lie outside."""
        scale = np.array((self.scale_x, self.scale_y), np.float32)
        limit = np.array((self.width_px, self.height_px) * 2, np.float32)
        boxes: Floats = np.clip(faces.boxes / np.tile(scale, 2), np.float32(0), limit)
        return replace(faces, boxes=boxes, points=faces.points / scale)


def fit(picture: Picture | Image, width_px: int, height_px: int) -> tuple[Picture, Placement]:
    """Resize a picture onto a canvas, keeping its proportions: halved while it is twice as large, then interpolated.

    Returns:
        The canvas ``uint8 (height_px, width_px, 3)`` and the way back.

    Raises:
        ShapeError: No picture, an empty one, or an empty canvas.
    """
    if isinstance(picture, np.ndarray):
        check_picture("picture", picture)
        width, height = picture.shape[1::-1]
    else:
        width, height = picture.size_px
    if not (height and width and width_px > 0 and height_px > 0):
        raise ShapeError("an empty picture or canvas", got=f"{width}x{height} onto {width_px}x{height_px}")
    scale = min(width_px / width, height_px / height)
    inner_width = min(width_px, max(1, round(width * scale)))
    inner_height = min(height_px, max(1, round(height * scale)))
    times = max(0, math.floor(math.log2(1 / scale)))
    part = halved(picture, times)
    covered_width, covered_height = min(width, part.shape[1] << times), min(height, part.shape[0] << times)
    placement = Placement(inner_width / covered_width, inner_height / covered_height, width, height)
    if (inner_width, inner_height) == part.shape[1::-1] == (width_px, height_px):
        return np.ascontiguousarray(part), placement
    canvas = np.empty((height_px, width_px, 3), np.uint8)
    canvas[inner_height:] = 0
    canvas[:inner_height, inner_width:] = 0
    if part.shape[1::-1] == (inner_width, inner_height):
        canvas[:inner_height, :inner_width] = part
    else:
        canvas[:inner_height, :inner_width] = cv2.resize(part, (inner_width, inner_height))
    return canvas, placement
