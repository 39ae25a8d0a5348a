"""What is covered is painted over, and nothing else; a covered view is the mean of both vectors."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.embed.covered_regions import DARK, MEAN_FACE, joined, paint_over, with_painted
from lfr_ray.errors import ShapeError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ChipSpec
from lfr_ray.records import LOWER, REGIONS, UPPER

SPECS = [pytest.param(card(name).chip, id=name) for name in ("dlib_resnet", "sface_2021dec")]


def noise(spec: ChipSpec, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (count, spec.height_px, spec.width_px, 3), np.uint8)


def at(chips: np.ndarray, point: tuple[float, float]) -> np.ndarray:
    return chips[:, round(point[1]), round(point[0])]


@pytest.mark.parametrize("spec", SPECS)
def test_the_lower_half_hides_nose_and_mouth_and_leaves_the_eyes(spec: ChipSpec) -> None:
    chips = noise(spec)
    painted = paint_over(chips, LOWER, spec)
    for point in spec.template_px[2:]:
        assert (at(painted, point) == MEAN_FACE).all()
    first_px = next(row for row in range(spec.height_px) if (painted[0, row] != chips[0, row]).any())
    assert first_px > spec.template_px[0][1] + 2, "the eyes stay"
    np.testing.assert_array_equal(painted[:, :first_px], chips[:, :first_px])
    assert (painted[:, first_px:] == MEAN_FACE).all()


@pytest.mark.parametrize("spec", SPECS)
def test_the_upper_half_hides_the_eyes_and_leaves_nose_and_mouth(spec: ChipSpec) -> None:
    chips = noise(spec)
    painted = paint_over(chips, UPPER, spec)
    for point in spec.template_px[:2]:
        assert (at(painted, point) == DARK).all()
    for point in spec.template_px[2:]:
        np.testing.assert_array_equal(at(painted, point), at(chips, point))
    assert 0.1 < float((painted != chips).any(axis=3).mean()) < 0.5


def test_the_chips_themselves_are_not_touched() -> None:
    spec = card("dlib_resnet").chip
    assert spec is not None
    chips = noise(spec)
    before = chips.copy()
    for region in REGIONS:
        paint_over(chips, region, spec)
    np.testing.assert_array_equal(chips, before)
    with pytest.raises(ShapeError):
        paint_over(chips[:, 1:], LOWER, spec)


def test_each_covered_chip_has_one_vector_and_the_others_keep_theirs() -> None:
    spec = card("dlib_resnet").chip
    assert spec is not None
    chips, covered = noise(spec, 4), ["", LOWER, "", UPPER]
    everything = with_painted(chips, covered, spec)
    assert len(everything) == 6
    np.testing.assert_array_equal(everything[4], paint_over(chips[1:2], LOWER, spec)[0])
    np.testing.assert_array_equal(everything[5], paint_over(chips[3:], UPPER, spec)[0])
    raw = np.random.default_rng(1).standard_normal((6, 8)).astype(np.float32)
    vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    found = joined(vectors, covered)
    np.testing.assert_array_equal(found[[0, 2]], vectors[[0, 2]])
    for row, painted in ((1, 4), (3, 5)):
        mean = vectors[row] + vectors[painted]
        np.testing.assert_allclose(found[row], mean / np.linalg.norm(mean), atol=1e-6)
    with pytest.raises(ShapeError):
        joined(vectors[:5], covered)


def test_without_covered_faces_nothing_more_is_embedded() -> None:
    spec = card("dlib_resnet").chip
    assert spec is not None
    chips = noise(spec, 3)
    assert with_painted(chips, ["", "", ""], spec) is chips
