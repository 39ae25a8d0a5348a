"""Partly covered faces: what is covered is painted over on both sides, so that only the rest is compared.

A mask moves a face's vector towards other masks. Where the same half is painted over in the enrolled picture and in the
tracklet, both have moved the same way. The vector of such a view is the mean of the chip as it is and of the painted
one: the first holds what the paint hides besides the mask, the second what the mask does not disturb. Both are measured
in ``benchmarks/results/covered_dlib_resnet.json``.

How it is painted was chosen among several ways on development pictures: the lower half in the mean colour of faces,
from a little below the eyes on (beginning at the nose tip, or in a mask's colour, recognised fewer); the upper half as
dark glasses (one flat band recognised fewer than the faces as they were).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array
from lfr_ray.models.cards import ChipSpec
from lfr_ray.records import LOWER, Floats, Picture

MEAN_FACE = (122, 117, 104)
"""Mean colour of faces, RGB: dlib's."""

LOWER_BEGINS = 0.29
"""Where the lower half begins: between the eyes' line (0) and the mouth's (1)."""

LENS = (0.475, 0.34)
"""Half width and half height of a lens, in distances between the eyes."""

DARK = (25, 25, 28)


def paint_over(chips: Picture, region: str, spec: ChipSpec) -> Picture:
    """New chips with one of ``records.REGIONS`` painted over; the chips' specification says where the face lies.

    Raises:
        ShapeError: Not ``uint8 (N, h, w, 3)`` RGB of that specification.
    """
    check_array("chips", chips, ("N", spec.height_px, spec.width_px, 3), np.uint8)
    points = np.array(spec.template_px, np.float64)
    if region == LOWER:
        painted: Picture = chips.copy()
        eyes_px, mouth_px = points[:2, 1].mean(), points[3:, 1].mean()
        painted[:, round(eyes_px + LOWER_BEGINS * (mouth_px - eyes_px)) :] = MEAN_FACE
        return painted
    glasses = _glasses(points, spec)[None, :, :, None]
    mixed: Picture = np.rint(chips * (1 - glasses) + np.array(DARK, np.float32) * glasses).astype(np.uint8)
    return mixed


def with_painted(chips: Picture, covered: Sequence[str], spec: ChipSpec) -> Picture:
    """The chips, and behind them a painted one for each whose covered region is not empty: what to embed.

    Returns:
        ``uint8 (N + covered ones, h, w, 3)``; :func:`joined` makes N vectors of them again.
    """
    painted = [
        paint_over(chip[np.newaxis], region, spec) for chip, region in zip(chips, covered, strict=True) if region
    ]
    return np.concatenate([chips, *painted]) if painted else chips


def joined(vectors: Floats, covered: Sequence[str]) -> Floats:
    """Of the vectors of :func:`with_painted`'s chips, one for each chip that went into it.

    Returns:
        ``float32 (N, D)`` of unit length.
    """
    rows = np.flatnonzero([bool(region) for region in covered])
    check_array("vectors", vectors, (len(covered) + len(rows), "D"), np.float32)
    if not len(rows):
        return vectors
    own: Floats = vectors[: len(covered)].copy()
    own[rows] = mean_view(own[rows], vectors[len(covered) :])
    return own


def mean_view(plain: Floats, painted: Floats) -> Floats:
    """The vector of a covered view: the mean of both, of unit length. ``float32 (N, D)`` each."""
    both = plain + painted
    length = np.maximum(np.linalg.norm(both, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    found: Floats = both / length
    return found


def _glasses(points: npt.NDArray[np.float64], spec: ChipSpec) -> npt.NDArray[np.float32]:
    """How much of each pixel dark glasses hide, ``float32 (h, w)`` 0..1: two lenses, a bridge and the arms."""
    picture = np.zeros((spec.height_px, spec.width_px), np.uint8)
    apart_px = float(points[1, 0] - points[0, 0])
    lens_px = (round(LENS[0] * apart_px), round(LENS[1] * apart_px))
    height_px = round(float(points[:2, 1].mean()) + 0.05 * apart_px)
    left_px, right_px = round(float(points[0, 0]) - 0.02 * apart_px), round(float(points[1, 0]) + 0.02 * apart_px)
    rim_px = round(height_px - 0.11 * apart_px)
    thick_px = max(1, round(0.1 * apart_px))
    for centre_px in (left_px, right_px):
        cv2.ellipse(picture, (centre_px, height_px), lens_px, 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.line(picture, (left_px, rim_px), (right_px, rim_px), 255, thick_px, cv2.LINE_AA)
    for lens, end in ((left_px - lens_px[0] + 2, 0), (right_px + lens_px[0] - 2, spec.width_px - 1)):
        cv2.line(picture, (lens, rim_px), (end, rim_px - 2 * thick_px // 3), 255, thick_px, cv2.LINE_AA)
    share: npt.NDArray[np.float32] = picture.astype(np.float32)
    share /= 255
    return share
