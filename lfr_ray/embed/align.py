"""Faces turned upright and cut out, so that eyes, nose and mouth lie where an embedder expects them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.checks import check_array, check_picture
from lfr_ray.models.cards import ChipSpec
from lfr_ray.models.shrink import halved
from lfr_ray.records import POINTS, Floats, Picture

HALVE_AT = 0.6
"""A face is halved before it is turned, and again, while its chip is smaller than this share of it."""

MARGIN_PX = 2
"""Source pixels kept around a chip's outline, for interpolation."""


def similarity(points: Floats, template_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least-squares similarity transforms (turn, scale, shift; no mirror) of five points each.

    In complex numbers a similarity is ``z -> a z + b``, whose least-squares answer is closed.

    Args:
        points: ``(N, 5, 2)``.
        template_px: ``(5, 2)``, where they shall go.

    Returns:
        ``(N, 2)`` complex: a and b; a is 0 where the five points are one.
    """
    source = points[..., 0] + 1j * points[..., 1].astype(np.float64)
    target = template_px[:, 0] + 1j * template_px[:, 1]
    source_mean = source.mean(axis=1, keepdims=True)
    target_mean = target.mean()
    centred = source - source_mean
    spread = (np.abs(centred) ** 2).sum(axis=1)
    product = (centred.conj() * (target - target_mean)).sum(axis=1)
    turn = np.divide(product, spread, out=np.zeros_like(product), where=spread > 0)
    return np.stack((turn, target_mean - turn * source_mean[:, 0]), axis=1)


def cut_chips(picture: Picture, points: Floats, spec: ChipSpec) -> Picture:
    """Aligned chips of every face of one picture.

    What lies outside the picture is black. Faces much larger than the chip are averaged down first,
    so that fine detail does not turn into noise.

    Args:
        picture: ``uint8 (H, W, 3)``.
        points: ``float32 (N, 5, 2)`` in the picture's pixels.
        spec: The embedder card's chip.

    Returns:
        ``uint8 (N, height_px, width_px, 3)``. Five points in one place give a black chip.

    Raises:
        ShapeError: Not such arrays, or points that are not finite.
    """
    check_picture("picture", picture)
    check_array("points", points, ("N", POINTS, 2), np.float32, finite=True)
    chips = np.zeros((len(points), spec.height_px, spec.width_px, 3), np.uint8)
    for index, (turn, shift) in enumerate(similarity(points, np.array(spec.template_px, np.float64))):
        if turn != 0:
            _cut(picture, complex(turn), complex(shift), chips[index])
    return chips


def _cut(picture: Picture, turn: complex, shift: complex, chip: Picture) -> None:
    """Fill one chip from the part of the picture that it shows."""
    height, width = chip.shape[:2]
    times = max(0, math.ceil(math.log2(HALVE_AT / abs(turn))))
    share = 2**times
    margin_px = MARGIN_PX * share
    corners = (np.array([0, width, 1j * height, width + 1j * height]) - shift) / turn
    left = max(0, math.floor(corners.real.min()) - margin_px)
    top = max(0, math.floor(corners.imag.min()) - margin_px)
    right = min(picture.shape[1], math.ceil(corners.real.max()) + margin_px)
    bottom = min(picture.shape[0], math.ceil(corners.imag.max()) + margin_px)
    if right - left < share or bottom - top < share:
        return
    part = halved(picture[top:bottom, left:right], times)
    # From a pixel of the part to the chip: the part begins at left, top, and its pixels are shares wide.
    shift += turn * (complex(left, top) + (share - 1) * complex(0.5, 0.5))
    turn *= share
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    cv2.warpAffine(
        part, matrix, (width, height), dst=chip, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
