"""The two pictures that travel with an alert: the face, and the scene without anybody else's face."""

from __future__ import annotations

import numpy as np
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

OUTLINE_RGB = (255, 196, 0)

Box = tuple[int, int, int, int]


def face_jpeg(picture: Picture, box: Floats, quality: int = 92) -> bytes:
    """The subject's face with some margin, cut out of the frame and otherwise unchanged.

    Args:
        picture: ``uint8 (height, width, 3)``, RGB.
        box: ``float32 (4,)``: x1, y1, x2, y2 in pixels of ``picture``.
        quality: Of the JPEG, 1 to 95.

    Raises:
        ShapeError: One of them is something else, or the box lies outside.
    """
    return encode_jpeg(crop_face(picture, box), quality)


def crop_face(picture: Picture, box: Floats) -> Picture:
    """The same cut-out as pixels: a copy, so that it does not keep the whole frame alive."""
    check_picture("picture", picture)
    x1, y1, x2, y2 = _whole_px(box, FACE_MARGIN, picture.shape[1], picture.shape[0])
    crop: Picture = picture[y1:y2, x1:x2].copy()
    return crop


def scene_jpeg(picture: Picture, box: Floats, other_boxes: Floats, quality: int = 85) -> bytes:
    """The whole frame as a JPEG, at most 1,280 pixels wide, see :func:`scene_picture`."""
    return encode_jpeg(scene_picture(picture, box, other_boxes), quality)


def scene_picture(picture: Picture, box: Floats, other_boxes: Floats) -> Picture:
    """The whole frame, the subject's face outlined and every other face made unrecognisable.

    Pass every other face that was detected, also those with a low score. The subject's own box stays
    as it is, even where a hidden face overlaps it.

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
    subject = _whole_px(box * np.float32(scale), 0.0, *size)
    x1, y1, x2, y2 = subject
    kept = scene[y1:y2, x1:x2].copy()
    for other in other_boxes:
        _hide(scene, _whole_px(other * np.float32(scale), HIDE_MARGIN, *size))
    scene[y1:y2, x1:x2] = kept
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
