"""Faces turned upright and cut out, so that eyes, nose and mouth lie where an embedder expects them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array, check_picture
from lfr_ray.models.cards import ChipSpec
from lfr_ray.models.shrink_pictures import halved
from lfr_ray.records import POINTS, Floats, Picture

HALVE_AT = 0.6
"""A face is halved before it is turned, and again, while its chip is smaller than this share of it."""

MARGIN_PX = 2
"""Source pixels kept around a chip's outline, for interpolation."""


def similarity(points: Floats, template_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least-squares similarity transforms (turn, scale, shift; no mirror) of five points, ``(N, 5, 2)``, to a template.

    In complex numbers a similarity is ``z -> a z + b``, whose least-squares answer is closed.

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
    """Aligned chips ``uint8 (N, height_px, width_px, 3)`` of every face of one picture.

    What lies outside the picture is black. Faces much larger than the chip are averaged down first,
    so that fine detail does not turn into noise. Five points in one place give a black chip.
    ``points`` are ``float32 (N, 5, 2)`` in the picture's pixels.

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


def chip_outline(points: Floats, spec: ChipSpec) -> tuple[int, int, int, int]:
    """The part of a picture from which one chip is made: left, top, right, bottom; it may reach beyond the picture.

    ``points`` are ``float32 (5, 2)`` in the picture's pixels.
    """
    turn, shift = similarity(points[np.newaxis], np.array(spec.template_px, np.float64))[0]
    if turn == 0:
        return 0, 0, 1, 1
    return _outline(complex(turn), complex(shift), spec.width_px, spec.height_px, _halvings(complex(turn)))


def _halvings(turn: complex) -> int:
    return max(0, math.ceil(math.log2(HALVE_AT / abs(turn))))


def _outline(turn: complex, shift: complex, width: int, height: int, times: int) -> tuple[int, int, int, int]:
    margin_px = MARGIN_PX * 2**times
    corners = (np.array([0, width, 1j * height, width + 1j * height]) - shift) / turn
    left, top = math.floor(corners.real.min()) - margin_px, math.floor(corners.imag.min()) - margin_px
    return left, top, math.ceil(corners.real.max()) + margin_px, math.ceil(corners.imag.max()) + margin_px


def _cut(picture: Picture, turn: complex, shift: complex, chip: Picture) -> None:
    """Fill one chip from the part of the picture that it shows."""
    height, width = chip.shape[:2]
    times = _halvings(turn)
    share = 2**times
    left, top, right, bottom = _outline(turn, shift, width, height, times)
    left, top = max(0, left), max(0, top)
    right, bottom = min(picture.shape[1], right), min(picture.shape[0], bottom)
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
