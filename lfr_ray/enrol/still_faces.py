"""Faces in still pictures of any size: passport crops that a face fills, portraits, photographs of a whole scene.

CenterFace finds faces of some 20 to 200 pixels; a face much larger is lost. So every picture is first looked at on
a small canvas, which suits portraits and is quick. Where that shows small faces, or none, a larger canvas
follows, and at last the small one with a border, for crops that cut into the face. Of 1,342 development pictures, a
256-pixel canvas missed one face, 320 pixels four, 384 seven and 512 twenty-two; the border found the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfr_ray.camera.still_pictures import shrunk
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.view_quality import pose
from lfr_ray.models.cards import Detector
from lfr_ray.records import Faces, Picture, box_sizes_px

SMALL_PX, LARGE_PX = 256, 640
"""Sides of the square canvases."""

SMALL_FACE_PX = 80.0
"""A largest face below this on the small canvas is worth the large one."""

BORDER = 0.5
"""A crop is tried again with a border of so much of its longer side."""

DETECT_BATCH = 8

SURE = 0.7
"""Below this score of its best upright face, a picture is looked at turned as well."""

CLEARLY_BETTER = 0.1
"""By so much the turned picture's best face must score higher."""

UPRIGHT_DEG = 45.0
"""A face that is tilted further lies on its side."""

TURNED_PX = 1280
"""Longer side of the copies that are looked at turned: a large photograph is not held four times."""


def detect_stills(pictures: Sequence[Picture], detector: Detector) -> list[Faces]:
    """Faces of still pictures ``uint8 (H, W, 3)``, RGB, of any sizes: of each in its pixels, best score first."""
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


def turn_needed_deg(picture: Picture, faces: Faces, detector: Detector) -> int:
    """How a picture that lies on its side, or upside down, must be turned so that a face in it stands upright.

    Photographs say by a tag how the camera was held, and many programs take the tag out. A detector finds no face
    then, or one that is tilted by a right angle, or with its points in wrong places and a low score.

    ``faces`` are what was found in it as it is.

    Returns:
        90, 180 or 270 degrees clockwise; 0: it is upright, or has no face either way.
    """
    standing = _best_upright(faces)
    if standing >= SURE:
        return 0
    small = shrunk(picture, TURNED_PX)
    scores = {deg: _best_upright(detect_stills([turned(small, deg)], detector)[0]) for deg in (90, 180, 270)}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] >= max(SURE, standing + CLEARLY_BETTER) else 0


def turned(picture: Picture, clockwise_deg: int) -> Picture:
    """The picture turned by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(picture, -clockwise_deg // 90))


def _best_upright(faces: Faces) -> float:
    """Score of the best face that stands upright; 0 where none does."""
    upright = [abs(pose(points)[2]) <= UPRIGHT_DEG for points in faces.points]
    return float(faces.scores[upright].max(initial=0.0))


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
