"""Is this view of a face worth comparing, and how much is it worth beside the others?"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array, check_picture
from lfr_ray.config import QualityConfig
from lfr_ray.records import POINTS, Floats, Picture, Quality, box_sizes_px

REASONS = ("too_small", "turned", "nodding", "tilted", "low_score", "blurred", "too_dark", "too_bright")
"""Why a view may not be compared: the closed list. What needs no pixels comes first."""

LEVEL_NOSE = 0.53
"""Where the nose tip lies between eyes (0) and mouth (1) in a level face: dlib's mean face."""

RIGHT_ANGLE = math.pi / 2

HALF_SIZE_PX = 40.0
HALF_SHARPNESS = 60.0
"""At these the size and sharpness factors of the value are one half.

A single picture gains little beyond 40 px and a sharpness of 20 (250 pairs of LFW, the probe made smaller or
blurred). Among the views of one tracklet, however, the larger and sharper ones are also the ones seen from nearer and
from the front: weighing them up doubled the listed person's lead over the nearest wrong one in the development clips.
"""


def assess(
    box: Floats,
    points: Floats,
    score: float,
    chip: Picture,
    config: QualityConfig,
    min_size_px: float | None = None,
) -> Quality:
    """Measure one view of a face.

    The value is a product of factors between 0 and 1, each smooth, so that ranking never jumps::

        size / (size + 40) * sharpness / (sharpness + 60) * cos(yaw * 90 deg) * cos(pitch * 90 deg) * score

    Box ``float32 (4,)`` and points ``float32 (5, 2)`` are in pixels of the frame, the score is the detector's.
    Sharpness and exposure are taken from the middle two thirds of the aligned chip, ``uint8 (h, w, 3)``: the rest is
    mostly background. ``min_size_px`` is a camera's own smallest face, instead of the configured one.

    Returns:
        The measures; ``reason`` is the first of ``REASONS`` that applies, or empty.

    Raises:
        ShapeError: Arrays of another shape.
    """
    check_picture("chip", chip)
    reason = fault_of_place(box, points, score, config, min_size_px)
    size_px = float(box_sizes_px(box))
    sharpness, exposure = _light(chip)
    yaw, pitch, roll_deg = pose(points)
    faults = (
        sharpness < config.min_sharpness,
        exposure < config.min_exposure,
        exposure > config.max_exposure,
    )
    value = (
        size_px / (size_px + HALF_SIZE_PX)
        * sharpness / (sharpness + HALF_SHARPNESS)
        * math.cos(yaw * RIGHT_ANGLE)
        * math.cos(pitch * RIGHT_ANGLE)
        * min(max(float(score), 0.0), 1.0)
    )  # fmt: skip
    return Quality(
        size_px=size_px,
        sharpness=sharpness,
        exposure=exposure,
        yaw=yaw,
        pitch=pitch,
        roll_deg=roll_deg,
        detector_score=float(score),
        value=max(0.0, value),
        reason=reason or _first(REASONS[-len(faults) :], faults),
    )


def fault_of_place(
    box: Floats, points: Floats, score: float, config: QualityConfig, min_size_px: float | None = None
) -> str:
    """The first of ``REASONS`` that can be told without a pixel, or empty; see :func:`assess`."""
    check_array("box", box, (4,), np.float32, finite=True)
    check_array("points", points, (POINTS, 2), np.float32, finite=True)
    yaw, pitch, roll_deg = pose(points)
    faults = (
        float(box_sizes_px(box)) < (config.min_size_px if min_size_px is None else min_size_px),
        abs(yaw) > config.max_yaw,
        abs(pitch) > config.max_pitch,
        abs(roll_deg) > config.max_roll_deg,
        score < config.min_score,
    )
    return _first(REASONS[: len(faults)], faults)


def _first(reasons: tuple[str, ...], faults: tuple[bool, ...]) -> str:
    return next((reason for reason, fault in zip(reasons, faults, strict=True) if fault), "")


def pose(points: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a face from its five points.

    The nose tip stands about half the distance between the eyes before their plane, so that the tangent of
    the turn is the nose's way from the middle, in units of half that distance.

    Args:
        points: ``(5, 2)``: right eye, left eye, nose tip, right and left mouth corner (the subject's).

    Returns:
        Yaw -1..1: the turn as a share of a right angle, 0.5 where the nose stands over an eye; positive when
        the subject looks to the right of the picture.
        Pitch -1..1: the nose between eyes and mouth, -1 at the eyes (up), 1 at the mouth (down).
        Roll in degrees, positive clockwise in the picture.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = (complex(x, y) for x, y in points.tolist())
    across = left_eye - right_eye
    roll_deg = math.degrees(math.atan2(across.imag, across.real))
    if across == 0:
        return 1.0, 0.0, 0.0
    # Turned upright about the eyes' middle, in units of half the distance between the eyes.
    unit = across / 2
    eyes = (right_eye + left_eye) / 2
    tip = (nose - eyes) / unit
    mouth = ((right_mouth + left_mouth) / 2 - eyes) / unit
    yaw = math.atan(tip.real) / RIGHT_ANGLE
    if mouth.imag <= 0:
        return yaw, 1.0, roll_deg
    height = tip.imag / mouth.imag
    room = 1 - LEVEL_NOSE if height > LEVEL_NOSE else LEVEL_NOSE
    return yaw, min(max((height - LEVEL_NOSE) / room, -1.0), 1.0), roll_deg


def _light(chip: Picture) -> tuple[float, float]:
    """Variance of the Laplacian and mean grey value of the chip's middle."""
    height, width = chip.shape[:2]
    middle: npt.NDArray[np.uint8] = chip[height // 6 : height - height // 6, width // 6 : width - width // 6]
    grey = cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2, float(cv2.mean(grey)[0])
