"""Each measure follows what it measures, and the gate gives the right reason."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.config import QualityConfig
from lfr_ray.embed.view_quality import REASONS, assess, fault_of_place, pose
from lfr_ray.errors import ShapeError
from lfr_ray.records import Quality

HEAD = np.array([(-1, -0.75, 0), (1, -0.75, 0), (0, 0.2, 1.0), (-0.8, 1.05, 0.1), (0.8, 1.05, 0.1)])
"""A head's five points, x right, y down, z towards the camera, in half distances between the eyes."""

CONFIG = QualityConfig()


def seen(yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0, scale: float = 25) -> np.ndarray:
    """The head's points in a picture: yaw to the picture's right, pitch down, roll clockwise."""
    yaw, pitch, roll = (math.radians(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    x, y, z = HEAD.T
    x, z = x * math.cos(yaw) + z * math.sin(yaw), z * math.cos(yaw) - x * math.sin(yaw)
    y, z = y * math.cos(pitch) + z * math.sin(pitch), z * math.cos(pitch) - y * math.sin(pitch)
    turned = (x + 1j * y) * np.exp(1j * roll) * scale + complex(100, 100)
    return np.stack((turned.real, turned.imag), axis=1).astype(np.float32)


def textured(mean: float = 120, contrast: float = 20, sigma: float = 1.0) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (150, 150)), (0, 0), sigma)
    grey = np.clip(mean + contrast * noise / noise.std(), 0, 255).astype(np.uint8)
    return np.stack((grey,) * 3, axis=2)


def judged(**changes: Any) -> Quality:
    view: dict[str, Any] = {
        "box": np.array((50, 50, 150, 170), np.float32),
        "points": seen(),
        "score": 0.9,
        "chip": textured(),
        "config": CONFIG,
    }
    return assess(**{**view, **changes})


def test_a_good_view_passes() -> None:
    good = judged()
    assert good.accepted
    assert good.size_px == pytest.approx(math.sqrt(100 * 120))
    assert good.exposure == pytest.approx(120, abs=3)
    assert good.detector_score == 0.9
    assert 0.3 < good.value < 1


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("too_small", {"box": np.array((50, 50, 70, 70), np.float32)}),
        ("too_small", {"min_size_px": 120.0}),
        ("blurred", {"chip": textured(sigma=12)}),
        ("too_dark", {"chip": textured(mean=15)}),
        ("too_bright", {"chip": textured(mean=250)}),
        ("turned", {"points": seen(yaw_deg=70)}),
        ("turned", {"points": seen(yaw_deg=-70)}),
        ("nodding", {"points": seen(pitch_deg=45)}),
        ("nodding", {"points": seen(pitch_deg=-45)}),
        ("tilted", {"points": seen(roll_deg=60)}),
        ("tilted", {"points": seen(roll_deg=-170)}),
        ("low_score", {"score": 0.3}),
    ],
)
def test_each_reason(reason: str, changes: dict[str, Any]) -> None:
    found = judged(**changes)
    assert found.reason == reason
    assert not found.accepted


def test_reasons_are_the_closed_list_and_the_first_is_given() -> None:
    everything_wrong = judged(
        box=np.zeros(4, np.float32), chip=np.zeros((150, 150, 3), np.uint8), points=seen(80), score=0.1
    )
    assert everything_wrong.reason == REASONS[0]
    assert len(set(REASONS)) == len(REASONS) == 8


@pytest.mark.parametrize("points", [seen(), seen(60), seen(0, 60), seen(0, 0, 60)], ids=REASONS[:4])
@pytest.mark.parametrize("score", [0.9, 0.1])
def test_what_a_box_and_points_say_needs_no_pixels_and_comes_first(points: np.ndarray, score: float) -> None:
    dark = judged(points=points, score=score, chip=np.zeros((150, 150, 3), np.uint8))
    told = fault_of_place(np.array((50, 50, 150, 170), np.float32), points, score, CONFIG)
    assert dark.reason == (told or "blurred")
    assert told in ("", *REASONS[:5])


def test_a_cameras_own_least_size_wins() -> None:
    small = np.array((0, 0, 25, 25), np.float32)
    assert judged(box=small).reason == "too_small"
    assert judged(box=small, min_size_px=20.0).accepted


@given(st.floats(-60, 60), st.floats(-25, 25))
def test_yaw_follows_the_turn(yaw_deg: float, roll_deg: float) -> None:
    yaw, _, roll = pose(seen(yaw_deg, 0, roll_deg))
    assert yaw * 90 == pytest.approx(yaw_deg, abs=0.1)
    assert roll == pytest.approx(roll_deg, abs=0.1)


def test_pitch_follows_the_nod_and_does_not_depend_on_roll() -> None:
    pitches = [pose(seen(0, angle, 15))[1] for angle in (-40, -20, 0, 20, 40)]
    assert pitches == sorted(pitches)
    assert abs(pitches[2]) < 0.05
    assert pitches[0] < -0.3
    assert pitches[4] > 0.3
    assert pose(seen(0, 20, 30))[1] == pytest.approx(pose(seen(0, 20, 0))[1], abs=1e-4)


def test_points_in_one_place_are_turned_away() -> None:
    assert pose(np.full((5, 2), 7, np.float32)) == (1.0, 0.0, 0.0)
    assert judged(points=np.full((5, 2), 7, np.float32)).reason == "turned"


def test_an_upside_down_mouth_is_nodding() -> None:
    points = seen()
    points[3:, 1] = points[:2, 1] - 5
    assert judged(points=points).reason == "nodding"


def test_sharpness_falls_with_blur_and_ignores_the_border() -> None:
    sharpnesses = [judged(chip=textured(sigma=sigma)).sharpness for sigma in (0.7, 1, 2, 4, 8)]
    assert sharpnesses == sorted(sharpnesses, reverse=True)
    busy = textured(sigma=4)
    busy[:20] = np.random.default_rng(0).integers(0, 256, (20, 150, 3), np.uint8)
    assert judged(chip=busy).sharpness == judged(chip=textured(sigma=4)).sharpness


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"box": np.array((50, 50, 100, 110), np.float32)}),
        ({}, {"chip": textured(sigma=3)}),
        ({}, {"points": seen(yaw_deg=30)}),
        ({}, {"points": seen(pitch_deg=20)}),
        ({}, {"score": 0.7}),
    ],
)
def test_the_value_ranks(better: dict[str, Any], worse: dict[str, Any]) -> None:
    assert judged(**better).value > judged(**worse).value


@given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-180, 180), st.floats(-1, 2), st.floats(0, 1e4))
def test_the_value_stays_between_0_and_1(yaw: float, pitch: float, roll: float, score: float, side: float) -> None:
    found = judged(points=seen(yaw, pitch, roll), score=score, box=np.array((0, 0, side, side), np.float32))
    assert 0 <= found.value <= 1
    assert -1 <= found.yaw <= 1
    assert -1 <= found.pitch <= 1
    assert found.reason in ("", *REASONS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": np.zeros((1, 4), np.float32)},
        {"points": np.zeros((5, 2), np.float64)},
        {"points": np.full((5, 2), np.nan, np.float32)},
        {"chip": np.zeros((150, 150), np.uint8)},
    ],
)
def test_arrays_of_another_shape(wrong: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        judged(**wrong)
