"""Whose picture is this? The one face of an enrolment picture that is clearly its subject."""

from __future__ import annotations

import numpy as np

from lfr_ray.records import Faces

CLEAR_LEAD = 1.4
"""The subject's prominence over the next face's. Portraits often show a part of somebody else at the edge."""


def choose_subject(faces: Faces, width_px: int, height_px: int) -> tuple[int | None, str]:
    """Pick the subject among the faces of one picture.

    A face's prominence is its size (square root of the box's area) times its nearness to the middle: 1 in the
    middle, 0.5 at the edge. The most prominent face is the subject if it leads clearly.

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
    corners, ends = faces.boxes[:, :2], faces.boxes[:, 2:]
    sizes = np.sqrt(np.prod(np.maximum(ends - corners, 0.0), axis=1))
    middle = np.array([width_px, height_px], np.float32) / 2
    off = np.abs((corners + ends) / 2 - middle) / middle
    prominence = sizes * (1.0 - 0.5 * np.clip(off.max(axis=1), 0.0, 1.0))
    order = np.argsort(-prominence)
    if len(faces) > 1 and prominence[order[0]] < CLEAR_LEAD * prominence[order[1]]:
        return None, f"{len(faces)} faces were found and none is clearly the subject"
    return int(order[0]), ""
