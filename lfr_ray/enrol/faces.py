"""Faces in still pictures of any size: passport crops that a face fills, portraits, photographs of a whole scene.

CenterFace finds faces of some 20 to 200 pixels; a face much larger is lost. So every picture is first looked at on
a small canvas, which suits portraits and is quick. Where that shows small faces, or none, a larger canvas
follows, and at last the small one with a border, for crops that cut into the face. Of 1,342 development pictures, a
256-pixel canvas missed one face, 320 pixels four, 384 seven and 512 twenty-two; the border found the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfr_ray.detect.letterbox import fit
from lfr_ray.models.cards import Detector
from lfr_ray.records import Faces, Picture, box_sizes_px

SMALL_PX, LARGE_PX = 256, 640
"""Sides of the square canvases."""

SMALL_FACE_PX = 80.0
"""A largest face below this on the small canvas is worth the large one."""

BORDER = 0.5
"""A crop is tried again with a border of so much of its longer side."""

DETECT_BATCH = 8


def detect_stills(pictures: Sequence[Picture], detector: Detector) -> list[Faces]:
    """Faces of still pictures.

    Args:
        pictures: ``uint8 (H, W, 3)`` RGB, of any sizes.
        detector: Finds them.

    Returns:
        One :class:`Faces` a picture, in its pixels, best score first.
    """
    found = _on_canvas(pictures, detector, SMALL_PX)
    closer = [number for number, picture in enumerate(pictures) if _wants_closer_look(picture, found[number])]
    for number, faces in zip(closer, _on_canvas([pictures[one] for one in closer], detector, LARGE_PX), strict=True):
        if len(faces):
            found[number] = faces
    again = [number for number, faces in enumerate(found) if not len(faces)]
    borders = [round(BORDER * max(pictures[number].shape[:2])) for number in again]
    bordered = [_bordered(pictures[number], border) for number, border in zip(again, borders, strict=True)]
    for number, border, faces in zip(again, borders, _on_canvas(bordered, detector, SMALL_PX), strict=True):
        found[number] = faces.mapped(1.0, -border, -border)
    return found


def _wants_closer_look(picture: Picture, faces: Faces) -> bool:
    longer_px = max(picture.shape[:2])
    if longer_px <= SMALL_PX:
        return False
    return not len(faces) or float(box_sizes_px(faces.boxes).max()) * SMALL_PX / longer_px < SMALL_FACE_PX


def _bordered(picture: Picture, border: int) -> Picture:
    """The picture on a larger sheet of its own mean colour: a black border would be an edge to the detector."""
    height, width = picture.shape[:2]
    sheet = np.empty((height + 2 * border, width + 2 * border, 3), np.uint8)
    sheet[:] = picture.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    sheet[border : border + height, border : border + width] = picture
    return sheet


def _on_canvas(pictures: Sequence[Picture], detector: Detector, side_px: int) -> list[Faces]:
    found: list[Faces] = []
    for start in range(0, len(pictures), DETECT_BATCH):
        fitted = [fit(picture, side_px, side_px) for picture in pictures[start : start + DETECT_BATCH]]
        answers = detector.detect(np.stack([canvas for canvas, _ in fitted]))
        found += [mapping.back(faces) for (_, mapping), faces in zip(fitted, answers, strict=True)]
    return found
