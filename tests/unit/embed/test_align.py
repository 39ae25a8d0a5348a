"""Chips: every point lands where the template says, at every size, and nothing aliases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from lfr_ray.embed.align import cut_chips, similarity
from lfr_ray.errors import ShapeError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ChipSpec

SPEC = card("dlib_resnet").chip
assert SPEC is not None
TEMPLATE = np.array(SPEC.template_px)


def estimated(points: np.ndarray, template: np.ndarray) -> SimilarityTransform:
    """By scikit-image, whose version for Python 3.10 calls it otherwise."""
    if hasattr(SimilarityTransform, "from_estimate"):
        return SimilarityTransform.from_estimate(points, template)
    made = SimilarityTransform()
    assert made.estimate(points, template)
    return made


def placed(scale: float, turn_deg: float, shift: tuple[float, float], spec: ChipSpec = SPEC) -> np.ndarray:
    """The template's five points, somewhere in a picture."""
    turn = scale * np.exp(1j * np.radians(turn_deg))
    template = np.array(spec.template_px)
    points = (template[:, 0] + 1j * template[:, 1]) * turn + complex(*shift)
    return np.stack((points.real, points.imag), axis=1).astype(np.float32)[None]


def ramp(width: int = 256, height: int = 256) -> np.ndarray:
    """Red is x, green is y."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, width).round()[None]
    picture[..., 1] = np.linspace(0, 255, height).round()[:, None]
    return picture


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.floats(0.05, 20), st.floats(-180, 180))
def test_the_transform_is_the_least_squares_similarity(seed: int, scale: float, turn_deg: float) -> None:
    noise = np.random.default_rng(seed).normal(0, 3 * scale, (1, 5, 2)).astype(np.float32)
    points = placed(scale, turn_deg, (300, 200)) + noise
    turn, shift = similarity(points, TEMPLATE)[0]
    wanted = estimated(points[0].astype(np.float64), TEMPLATE)
    np.testing.assert_allclose([turn.real, turn.imag], wanted.params[:2, 0].tolist()[:2], atol=1e-6, rtol=1e-4)
    np.testing.assert_allclose([shift.real, shift.imag], wanted.params[:2, 2], atol=1e-3, rtol=1e-4)


def test_a_picture_that_is_its_own_chip() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    chips = cut_chips(picture, TEMPLATE[None].astype(np.float32), SPEC)
    np.testing.assert_array_equal(chips[0], picture)


@pytest.mark.parametrize(
    ("scale", "turn_deg", "side_px"),
    [(0.2, 0, 256), (0.5, 20, 256), (1.0, -35, 256), (1.2, 10, 256), (1.5, 30, 512), (4.0, -20, 1024), (7.3, 90, 2048)],
)
def test_places_are_kept_at_every_size(scale: float, turn_deg: float, side_px: int) -> None:
    picture = ramp(side_px, side_px)
    middle = side_px / 2
    turn = scale * np.exp(1j * np.radians(turn_deg))
    shift = complex(middle, middle) - turn * complex(75, 75)
    chip = cut_chips(picture, placed(scale, turn_deg, (shift.real, shift.imag)), SPEC)[0].astype(float)
    for x, y in ((40, 40), (75, 75), (110, 60), (60, 110)):
        source = (turn * complex(x, y) + shift) * 255 / (side_px - 1)
        if 2 < source.real < 253 and 2 < source.imag < 253:
            assert chip[y, x, 0] == pytest.approx(source.real, abs=1.0)
            assert chip[y, x, 1] == pytest.approx(source.imag, abs=1.0)
    assert chip[75, 75].any()


def test_fine_detail_of_a_large_face_is_averaged() -> None:
    board = (np.indices((1200, 1200)).sum(axis=0) % 2 * 255).astype(np.uint8)
    chip = cut_chips(np.stack((board,) * 3, axis=2), placed(6.0, 15, (300, 50)), SPEC)[0]
    assert np.abs(chip[30:120, 30:120].astype(int) - 127).max() <= 6


def test_outside_the_picture_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    for scale in (0.5, 1.0, 3.0):
        chip = cut_chips(white, placed(scale, 0, (50 - 75 * scale, -75 * scale)), SPEC)[0]
        assert not chip[:70].any()  # above the picture
        assert (chip[80, 75] == 255).all()
    assert not cut_chips(white, placed(1.0, 0, (500, 500)), SPEC).any()


def test_all_faces_of_a_picture_at_once_in_their_order() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    points = np.concatenate([placed(0.8, 5, (20, 30)), placed(1.1, -10, (150, 90)), placed(2.4, 0, (10, 0))])
    together = cut_chips(picture, points, SPEC)
    assert together.shape == (3, 150, 150, 3)
    for index in range(3):
        np.testing.assert_array_equal(together[index], cut_chips(picture, points[index : index + 1], SPEC)[0])
    assert cut_chips(picture, np.zeros((0, 5, 2), np.float32), SPEC).shape == (0, 150, 150, 3)


def test_chips_need_not_be_square() -> None:
    spec = ChipSpec(
        width_px=96,
        height_px=112,
        template_px=((30.3, 51.7), (65.5, 51.5), (48.0, 71.7), (33.5, 92.4), (62.7, 92.2)),
    )
    picture = np.random.default_rng(2).integers(0, 256, (112, 96, 3), np.uint8)
    points = np.array(spec.template_px, np.float32)[None]
    np.testing.assert_array_equal(cut_chips(picture, points, spec)[0], picture)


def test_five_points_in_one_place_give_a_black_chip() -> None:
    assert not cut_chips(ramp(), np.full((1, 5, 2), 50, np.float32), SPEC).any()


def test_views_and_read_only_pictures_are_fine_and_unchanged() -> None:
    picture = ramp()
    picture.setflags(write=False)
    for scale in (0.5, 3.0):
        points = placed(scale, 10, (20, 20))
        plain = cut_chips(np.ascontiguousarray(picture[:, ::-1, ::-1]), points, SPEC)
        np.testing.assert_array_equal(cut_chips(picture[:, ::-1, ::-1], points, SPEC), plain)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2), np.float32),
        np.zeros((1, 4, 2), np.float32),
        np.zeros((1, 5, 2), np.float64),
        np.full((1, 5, 2), np.nan, np.float32),
        np.full((1, 5, 2), np.inf, np.float32),
    ],
)
def test_points_that_are_none(points: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        cut_chips(ramp(), points, SPEC)
