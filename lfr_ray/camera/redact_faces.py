"""Pictures of an alert: the subject's head as it was seen, and nothing by which anybody else could be told."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from lfr_ray.array_checks import check_array, check_picture
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.records import Floats, Picture

FACE_MARGIN = 0.4
"""Added on every side of the face, as a share of its size."""

HEAD = (0.68, 0.78)
"""Half axes of the oval that stays as it is, as shares of the face's width and height: boxes end at chin and forehead,
ears and hair do not."""

PREVIEW_WIDTH_PX = 480
PREVIEW_QUALITY = 70

SCENE_WIDTH_PX = 1280
SCENE_QUALITY = 85
SCENE_BLOCKS = 40
"""The surroundings keep at most so many colours across, fewer where the subject's face is large."""

HIDE_MARGIN = 0.3
"""Added on every side of another face that is hidden by itself, because it is larger than the subject's."""

HIDE_BLOCKS = 2
"""Another face keeps at most so many colours across and down; the best recognisers need some twenty."""

SAME = 0.5
"""Boxes that overlap so far, as intersection over union, are one face detected twice."""

OUTLINE_RGB = (255, 196, 0)

NOBODY = np.zeros((0, 4), np.float32)

Box = tuple[int, int, int, int]


def crop_face(picture: Picture, box: Floats, other_boxes: Floats = NOBODY) -> Picture:
    """The subject's head with some margin, in which nobody can be told.

    A new picture, so that it does not keep the whole frame in memory.

    ``box`` is ``float32 (4,)`` and ``other_boxes`` ``float32 (N, 4)``, in pixels of the picture; what lies outside of
    it is left out.

    Raises:
        ShapeError: One of them is something else.
    """
    check_picture("picture", picture)
    x1, y1, x2, y2 = face_outline(box, picture.shape[1], picture.shape[0])
    corner = np.array((x1, y1, x1, y1), np.float32)
    others = other_boxes - corner
    # Most of a crowd is elsewhere: a box with its margin that ends before the cut shows nothing of it.
    margin = (others[:, 2:] - others[:, :2]) * np.float32(HIDE_MARGIN) + 1
    near = (others[:, :2] - margin < (x2 - x1, y2 - y1)).all(1) & (others[:, 2:] + margin > 0).all(1)
    return _alone(picture[y1:y2, x1:x2], box - corner, others[near])


def face_outline(box: Floats, width_px: int, height_px: int) -> Box:
    """Where :func:`crop_face` cuts: left, top, right, bottom, inside a picture of this size."""
    return _whole_px(box, FACE_MARGIN, width_px, height_px)


def scene_jpeg(picture: Picture, box: Floats, other_boxes: Floats) -> bytes:
    """The whole frame as a JPEG, at most 1,280 pixels wide, see :func:`scene_picture`."""
    return encode_jpeg(scene_picture(picture, box, other_boxes), SCENE_QUALITY)


def scene_picture(picture: Picture, box: Floats, other_boxes: Floats) -> Picture:
    """Where the subject stands, perhaps smaller: their head as it is, outlined, and everything else averaged.

    Pass every other face that was detected, also those with a low score, and those that were missed in this frame
    and found in the frames around it. A box that is nearly the subject's own is a second detection of the subject.

    ``box`` is ``float32 (4,)`` and ``other_boxes`` ``float32 (N, 4)``, in pixels of the picture, which is not changed.

    Raises:
        ShapeError: One of them is something else.
    """
    check_picture("picture", picture)
    check_array("other_boxes", other_boxes, ("N", 4), np.float32, finite=True)
    height_px, width_px = picture.shape[:2]
    scale = np.float32(min(1.0, SCENE_WIDTH_PX / width_px))
    size = (round(width_px * float(scale)), max(1, round(height_px * float(scale))))
    image = Image.fromarray(picture)
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0) if scale < 1.0 else image
    scene = _alone(np.asarray(small), box * scale, other_boxes * scale)
    _outline(scene, _whole_px(box * scale, 0.0, *size))
    return scene


def preview_picture(picture: Picture) -> tuple[Picture, float]:
    """A frame ``uint8 (height, width, 3)`` made smaller, to at most :data:`PREVIEW_WIDTH_PX`, and its scale.

    Every pixel is the mean of the nearest four: to average all of them took longer than all the rest of a preview.
    """
    check_picture("picture", picture)
    height_px, width_px = picture.shape[:2]
    scale = min(1.0, PREVIEW_WIDTH_PX / width_px)
    size = (round(width_px * scale), max(1, round(height_px * scale)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return small, scale


def hidden_jpeg(small: Picture, scale: float, boxes: Sequence[Floats]) -> bytes:
    """A JPEG of what :func:`preview_picture` gave, in which every one of these faces is unrecognisable.

    ``boxes`` are ``float32 (N, 4)`` of several frames, in pixels of the frame.
    """
    hidden = small.copy()
    height_px, width_px = hidden.shape[:2]
    for box in np.concatenate(boxes) if boxes else ():
        x1, y1, x2, y2 = _whole_px(box * np.float32(scale), HIDE_MARGIN, width_px, height_px)
        hidden[y1:y2, x1:x2] = _averaged(hidden[y1:y2, x1:x2], max(x2 - x1, y2 - y1) / HIDE_BLOCKS)
    return encode_jpeg(hidden, PREVIEW_QUALITY)


def _alone(picture: Picture, box: Floats, other_boxes: Floats) -> Picture:
    """The picture with everything averaged but the subject's head, where that is not nearer to another face."""
    height_px, width_px = picture.shape[:2]
    face_px = float(max(box[2] - box[0], box[3] - box[1]))
    block_px = max(face_px / HIDE_BLOCKS, width_px / SCENE_BLOCKS)
    alone = _averaged(picture, block_px)
    others = [other for other in other_boxes if _overlap(other, box) < SAME]
    for other in others:
        x1, y1, x2, y2 = _whole_px(other, HIDE_MARGIN, width_px, height_px)
        if max(x2 - x1, y2 - y1) > block_px * HIDE_BLOCKS:
            alone[y1:y2, x1:x2] = _averaged(picture[y1:y2, x1:x2], max(x2 - x1, y2 - y1) / HIDE_BLOCKS)
    x1, y1, x2, y2 = head = _whole_px(box, max(HEAD) - 0.5, width_px, height_px)
    mine = _nearest(head, box, others)
    np.copyto(alone[y1:y2, x1:x2], picture[y1:y2, x1:x2], where=mine[:, :, np.newaxis])
    return alone


def _averaged(picture: Picture, block_px: float) -> Picture:
    """Averaged over blocks of at least this size, with no edges between them."""
    image = Image.fromarray(picture)
    blocks = (max(1, int(image.width / block_px)), max(1, int(image.height / block_px)))
    coarse = image.resize(blocks, Image.Resampling.BOX)
    return np.array(coarse.resize(image.size, Image.Resampling.BILINEAR), np.uint8)


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


def _nearest(region: Box, subject: Floats, others: list[Floats]) -> npt.NDArray[np.bool_]:
    """For each pixel of a region: it belongs to the subject's head rather than to another face.

    Distances are counted in half widths and half heights of each box, as faces are ovals.
    """
    # One number a row and one a column: only their sum is as large as the region.
    rows, columns = np.ogrid[region[1] : region[3], region[0] : region[2]]

    def distance(box: Floats, half: tuple[float, float]) -> npt.NDArray[np.float64]:
        x1, y1, x2, y2 = (float(side) for side in box)
        across = (columns + 0.5 - (x1 + x2) / 2) / max(1.0, (x2 - x1) * half[0])
        down = (rows + 0.5 - (y1 + y2) / 2) / max(1.0, (y2 - y1) * half[1])
        return np.asarray(across**2 + down**2, np.float64)

    mine = distance(subject, HEAD) <= 1.0
    own = distance(subject, (0.5, 0.5))
    for other in others:
        theirs = distance(other, (0.5, 0.5))
        # Twice the squared distance of the box's edge reaches its corners.
        mine &= (own <= theirs) | (theirs > 2.0)
    return mine


def _outline(scene: Picture, region: Box) -> None:
    """A frame just outside the region, so that no pixel of the face is painted over."""
    x1, y1, x2, y2 = region
    thick = max(2, scene.shape[1] // 400)
    face = scene[y1:y2, x1:x2].copy()
    scene[max(0, y1 - thick) : y2 + thick, max(0, x1 - thick) : x2 + thick] = OUTLINE_RGB
    scene[y1:y2, x1:x2] = face
