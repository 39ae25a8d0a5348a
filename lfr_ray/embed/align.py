"""Faces turned upright and cut out, so that eyes, nose and mouth lie where an embedder expects them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.checks import check_array, check_picture
from lfr_ray.models.cards import ChipSpec
from lfr_ray.records import POINTS, Floats, Picture

SHRINK_AT = 0.75
"""A face is averaged down before it is turned when its chip is smaller than this share of it."""

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
    corners = (np.array([0, width, 1j * height, width + 1j * height]) - shift) / turn
    left = max(0, int(np.floor(corners.real.min())) - MARGIN_PX)
    top = max(0, int(np.floor(corners.imag.min())) - MARGIN_PX)
    right = min(picture.shape[1], int(np.ceil(corners.real.max())) + MARGIN_PX)
    bottom = min(picture.shape[0], int(np.ceil(corners.imag.max())) + MARGIN_PX)
    if left >= right or top >= bottom:
        return
    part: npt.NDArray[Any] = picture[top:bottom, left:right]
    shift += turn * complex(left, top)
    if abs(turn) < SHRINK_AT:
        size = (max(1, round(part.shape[1] * abs(turn))), max(1, round(part.shape[0] * abs(turn))))
        share_x, share_y = part.shape[1] / size[0], part.shape[0] / size[1]
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        # Pixel i of the shrunken part is centred on (i + 0.5) * share - 0.5 of the part.
        shift += turn * complex(share_x - 1, share_y - 1) / 2
    else:
        share_x = share_y = 1.0
    matrix = np.array(
        [
            [turn.real * share_x, -turn.imag * share_y, shift.real],
            [turn.imag * share_x, turn.real * share_y, shift.imag],
        ]
    )
    cv2.warpAffine(
        part, matrix, (width, height), dst=chip, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
