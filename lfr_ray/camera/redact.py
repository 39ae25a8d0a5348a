"""Pictures of an alert: the subject's face, and the scene with every other face made unrecognisable."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from lfr_ray.camera.stills import encode_jpeg
from lfr_ray.checks import check_array, check_picture
from lfr_ray.records import Floats, Picture

FACE_MARGIN = 0.4
"""Added on every side of the face, as a share of its size."""

SCENE_WIDTH_PX = 1280
HIDE_MARGIN = 0.3
"""Added on every side of a face that is hidden: boxes end at chin and forehead, ears and hair do not."""

HIDE_BLOCKS = 4
"""A hidden face keeps so many colours across and down; the best recognisers need some twenty."""

SAME = 0.5
"""Boxes that overlap so far, as intersection over union, are one face detected twice."""

OUTLINE_RGB = (255, 196, 0)

Box = tuple[int, int, int, int]


def crop_face(picture: Picture, box: Floats) -> Picture:
    """The subject's face with some margin, unchanged. A copy, so that it does not keep the whole frame in memory.

    Args:
        picture: ``uint8 (height, width, 3)``, RGB.
        box: ``float32 (4,)``: x1, y1, x2, y2 in pixels of ``picture``; what lies outside is left out.

    Raises:
        ShapeError: One of them is something else.
    """
    check_picture("picture", picture)
    x1, y1, x2, y2 = face_outline(box, picture.shape[1], picture.shape[0])
    crop: Picture = picture[y1:y2, x1:x2].copy()
    return crop


def face_outline(box: Floats, width_px: int, height_px: int) -> Box:
    """Where :func:`crop_face` cuts: left, top, right, bottom, inside a picture of this size."""
    return _whole_px(box, FACE_MARGIN, width_px, height_px)


def scene_jpeg(picture: Picture, box: Floats, other_boxes: Floats, quality: int = 85) -> bytes:
    """The whole frame as a JPEG, at most 1,280 pixels wide, see :func:`scene_picture`."""
    return encode_jpeg(scene_picture(picture, box, other_boxes), quality)


def scene_picture(picture: Picture, box: Floats, other_boxes: Floats) -> Picture:
    """The whole frame, the subject's face outlined and every other face made unrecognisable.

    Pass every other face that was detected, also those with a low score. Inside the subject's box all
    stays as it is, but for what lies nearer to another face that overlaps it. A box that is nearly the
    subject's own is a second detection of the subject, and not hidden.

    Args:
        picture: ``uint8 (height, width, 3)``, RGB; it is not changed.
        box: ``float32 (4,)``: the subject.
        other_boxes: ``float32 (N, 4)``: everybody else.

    Returns:
        A new picture of the same or a smaller size.

    Raises:
        ShapeError: One of them is something else.
    """
    check_picture("picture", picture)
    check_array("other_boxes", other_boxes, ("N", 4), np.float32, finite=True)
    height_px, width_px = picture.shape[:2]
    scale = min(1.0, SCENE_WIDTH_PX / width_px)
    size = (round(width_px * scale), max(1, round(height_px * scale)))
    image = Image.fromarray(picture)
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0) if scale < 1.0 else image
    scene = np.array(small, dtype=np.uint8)
    clear = scene.copy()
    subject = _whole_px(box * np.float32(scale), 0.0, *size)
    others = [other for other in other_boxes * np.float32(scale) if _overlap(other, box * np.float32(scale)) < SAME]
    for other in others:
        _hide(scene, _whole_px(other, HIDE_MARGIN, *size))
    x1, y1, x2, y2 = subject
    mine = _nearest(subject, [_whole_px(other, 0.0, *size) for other in others])
    scene[y1:y2, x1:x2] = np.where(mine[:, :, None], clear[y1:y2, x1:x2], scene[y1:y2, x1:x2])
    _outline(scene, subject)
    return scene


def _whole_px(box: Floats, margin: float, width_px: int, height_px: int) -> Box:
    """The box in whole pixels, grown by ``margin``, inside the picture and at least a pixel large."""
    check_array("box", box, (4,), np.float32, finite=True)
    x1, y1, x2, y2 = (float(side) for side in box)
    grow_x, grow_y = max(0.0, x2 - x1) * margin, max(0.0, y2 - y1) * margin
    left = min(max(0, int(np.floor(x1 - grow_x))), width_px - 1)
    top = min(max(0, int(np.floor(y1 - grow_y))), height_px - 1)
    right = min(max(left + 1, int(np.ceil(x2 + grow_x))), width_px)
    bottom = min(max(top + 1, int(np.ceil(y2 + grow_y))), height_px)
    return left, top, right, bottom


def _overlap(one: Floats, two: Floats) -> float:
    """Intersection over union of two boxes."""
    width = float(min(one[2], two[2]) - max(one[0], two[0]))
    height = float(min(one[3], two[3]) - max(one[1], two[1]))
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum(float((side[2] - side[0]) * (side[3] - side[1])) for side in (one, two))
    return width * height / (areas - width * height)


def _nearest(subject: Box, others: list[Box]) -> npt.NDArray[np.bool_]:
    """For each pixel of the subject's box: it belongs to the subject rather than to another face.

    Distances are counted in half widths and half heights of each box, as faces are ovals.
    """
    rows, columns = np.mgrid[subject[1] : subject[3], subject[0] : subject[2]]

    def distance(box: Box) -> npt.NDArray[np.float64]:
        x1, y1, x2, y2 = box
        across = (columns + 0.5 - (x1 + x2) / 2) / ((x2 - x1) / 2)
        down = (rows + 0.5 - (y1 + y2) / 2) / ((y2 - y1) / 2)
        return np.asarray(across**2 + down**2, np.float64)

    mine = np.ones(rows.shape, np.bool_)
    own = distance(subject)
    for other in others:
        theirs = distance(other)
        # Twice the squared distance of the box's edge reaches its corners.
        mine &= (own <= theirs) | (theirs > 2.0)
    return mine


def _hide(scene: Picture, region: Box) -> None:
    """Average the region into a few blocks and blur them, in place."""
    x1, y1, x2, y2 = region
    face = Image.fromarray(scene[y1:y2, x1:x2])
    blocks = (min(HIDE_BLOCKS, face.width), min(HIDE_BLOCKS, face.height))
    if face.width <= HIDE_BLOCKS or face.height <= HIDE_BLOCKS:
        blocks = (1, 1)
    coarse = face.resize(blocks, Image.Resampling.BOX).resize(face.size, Image.Resampling.NEAREST)
    soft = coarse.filter(ImageFilter.GaussianBlur(max(face.size) / HIDE_BLOCKS / 2))
    scene[y1:y2, x1:x2] = np.asarray(soft)


def _outline(scene: Picture, region: Box) -> None:
    """A frame just outside the region, so that no pixel of the face is painted over."""
    x1, y1, x2, y2 = region
    height_px, width_px = scene.shape[:2]
    thick = max(2, width_px // 400)
    left, top = max(0, x1 - thick), max(0, y1 - thick)
    right, bottom = min(width_px, x2 + thick), min(height_px, y2 + thick)
    scene[top:y1, left:right] = OUTLINE_RGB
    scene[y2:bottom, left:right] = OUTLINE_RGB
    scene[top:bottom, left:x1] = OUTLINE_RGB
    scene[top:bottom, x2:right] = OUTLINE_RGB
