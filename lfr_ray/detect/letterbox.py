"""A picture of any size onto a detector's canvas, and the faces found there back again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lfr_ray.checks import check_picture
from lfr_ray.errors import ShapeError
from lfr_ray.records import Faces, Floats, Picture


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a picture lies on its canvas: top left, scaled, the rest is black.

    Attributes:
        scale_x: Canvas pixels per source pixel; the two differ by less than a pixel over the whole side.
        scale_y: The same, down.
        width_px: Source width.
        height_px: Source height.
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
        return Faces(boxes, faces.scores, faces.points / scale)


def fit(picture: Picture, width_px: int, height_px: int) -> tuple[Picture, Mapping]:
    """Resize a picture onto a canvas, keeping its proportions.

    Args:
        picture: ``uint8 (h, w, 3)``.
        width_px: Canvas width.
        height_px: Canvas height.

    Returns:
        The canvas ``uint8 (height_px, width_px, 3)`` and the way back.

    Raises:
        ShapeError: No picture, an empty one, or an empty canvas.
    """
    check_picture("picture", picture)
    height, width = picture.shape[:2]
    if not (height and width and width_px > 0 and height_px > 0):
        raise ShapeError("an empty picture or canvas", got=f"{width}x{height} onto {width_px}x{height_px}")
    scale = min(width_px / width, height_px / height)
    inner_width = min(width_px, max(1, round(width * scale)))
    inner_height = min(height_px, max(1, round(height * scale)))
    mapping = Mapping(inner_width / width, inner_height / height, width, height)
    if (inner_width, inner_height) == (width_px, height_px) == (width, height):
        return np.ascontiguousarray(picture), mapping
    canvas = np.empty((height_px, width_px, 3), np.uint8)
    canvas[inner_height:] = 0
    canvas[:inner_height, inner_width:] = 0
    if (inner_width, inner_height) == (width, height):
        canvas[:inner_height, :inner_width] = picture
    else:
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas[:inner_height, :inner_width] = cv2.resize(picture, (inner_width, inner_height), interpolation=how)
    return canvas, mapping
