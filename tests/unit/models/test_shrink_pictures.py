"""Halving: exact means, and every pixel where it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.models.shrink_pictures import halved, halved_to


def test_every_pixel_is_the_mean_of_its_square() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    means = picture.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved(picture, 1) - means).max() <= 0.5
    means = picture.reshape(6, 8, 8, 8, 3).mean(axis=(1, 3))
    assert np.abs(halved(picture, 3) - means).max() <= 1.5


@pytest.mark.parametrize(
    ("shape", "times", "wanted"), [((7, 9), 1, (3, 4)), ((1, 384), 2, (1, 96)), ((5, 5), 4, (1, 1))]
)
def test_odd_and_thin_pictures(shape: tuple[int, int], times: int, wanted: tuple[int, int]) -> None:
    assert halved(np.full((*shape, 3), 9, np.uint8), times).shape == (*wanted, 3)
    assert (halved(np.full((*shape, 3), 9, np.uint8), times) == 9).all()


def test_no_halving_is_the_same_picture() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    assert halved(picture, 0) is picture


@pytest.mark.parametrize(("wide", "times"), [(300, 0), (640, 0), (1279, 0), (1280, 1), (7680, 3)])
def test_halved_as_often_as_it_stays_wide_enough(wide: int, times: int) -> None:
    picture, scale = halved_to(np.zeros((16, wide, 3), np.uint8), 640)
    assert picture.shape == (16 >> times, wide >> times, 3)
    assert scale == 0.5**times
