"""Whose picture is this? The one face of an enrolment picture that is clearly its subject."""

from __future__ import annotations

import numpy as np

from lfr_ray.records import Faces, Floats, box_sizes_px

COMPARABLE = 0.6
"""Faces of at least this share of the largest one's size could be the subject too."""

NEAR_CENTRE = 0.2
"""Largest distance of the subject from the middle, in shares of the picture's sides, where others compare with it."""

CLEARLY_NEARER = 0.12
"""So much nearer to the middle than every comparable face the subject must be."""

LEAST_SHARE = 0.3
"""Among comparable faces, the subject's size is at least this share of the picture's shorter side."""

LARGER, CENTRAL = 0.75, 0.1
"""A face this near to the middle, with all others at most this share of its size, is the subject all the same."""

CUT_OFF = 0.05
"""A face that ends this near to the picture's edge belongs to somebody beside the subject."""


def choose_subject(faces: Faces, width_px: int, height_px: int) -> tuple[int | None, str]:
    """Pick the subject among the faces of one picture.

    A face that is largest by far is the subject. Otherwise it is the one in the middle, if it fills a good part of the
    picture and the comparable faces are clearly further out: portraits often show a part of somebody else at the
    edge. Whole faces on both sides make a group photograph, in which nobody is the subject, unless one stands before
    the others: in the middle, and a third larger.

    Args:
        faces: In the picture's pixels.
        width_px: Of the picture.
        height_px: Of the picture.

    Returns:
        Row of the subject and an empty reason, or None and why there is no subject.

    >>> choose_subject(Faces.none(), 100, 100)
    (None, 'no face was found')
    """
    if not len(faces):
        return None, "no face was found"
    sizes = box_sizes_px(faces.boxes)
    comparable = np.flatnonzero(sizes >= COMPARABLE * sizes.max())
    if len(comparable) == 1:
        return int(comparable[0]), ""
    sides = np.array([width_px, height_px] * 2, np.float32)
    boxes: Floats = (faces.boxes[comparable] / sides).astype(np.float32)
    off: Floats = ((boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5).astype(np.float32)
    distances = np.hypot(off[:, 0], off[:, 1])
    order = np.argsort(distances, kind="stable")
    subject = int(order[0])
    size_px, next_px = float(sizes[comparable[subject]]), float(np.delete(sizes[comparable], subject).max())
    foremost = float(distances[subject]) <= CENTRAL and next_px <= LARGER * size_px
    central = (
        float(distances[subject]) <= NEAR_CENTRE
        and float(distances[order[1]] - distances[subject]) >= CLEARLY_NEARER
        and not _between_whole_faces(boxes, off[:, 0], subject)
    )
    fills = size_px >= LEAST_SHARE * min(width_px, height_px)
    if fills and (foremost or central):
        return int(comparable[subject]), ""
    return None, f"{len(faces)} faces were found and none is clearly the subject"


def _between_whole_faces(boxes: Floats, off_x: Floats, subject: int) -> bool:
    """Whether faces that are not cut off by the picture's edge stand both left and right of the subject."""
    whole = np.minimum(boxes[:, :2], 1.0 - boxes[:, 2:]).min(axis=1) >= CUT_OFF
    whole[subject] = False
    sides = off_x[whole] - off_x[subject]
    return bool((sides < 0).any() and (sides > 0).any())
