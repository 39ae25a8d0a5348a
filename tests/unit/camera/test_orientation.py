"""A video's display matrix, as the eight orientations that photographs have."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lfr_ray.camera.orientation import UPRIGHT, orientation_of, turned
from lfr_ray.camera.still_pictures import read_picture

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 9
MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    return np.array([v * 65536 for v in (a, b, 0, c, d, 0, 0, 0, 16384)], np.float64).astype(np.int32).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_video_looks_like_a_photograph_with_that_tag(orientation: int, tmp_path: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = f"{tmp_path}/tagged.png"
    Image.fromarray(PICTURE).save(path, exif=exif)
    np.testing.assert_array_equal(turned(PICTURE, orientation), read_picture(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_matrix_says_where_a_corner_goes(orientation: int) -> None:
    a, b, c, d = MATRICES[orientation]
    assert orientation_of(matrix(a, b, c, d)) == orientation
    height, width = PICTURE.shape[:2]
    places = [(a * x + c * y, b * x + d * y) for y in range(height) for x in range(width)]
    left, top = min(x for x, _ in places), min(y for _, y in places)
    shown = turned(PICTURE, orientation)
    for number, (x, y) in enumerate(places):
        np.testing.assert_array_equal(shown[y - top, x - left], PICTURE[number // width, number % width])


def test_nearly_upright_is_upright_and_nonsense_is_left_alone() -> None:
    assert orientation_of(matrix(0.99, 0.1, -0.1, 0.99)) == UPRIGHT
    assert orientation_of(matrix(0.1, 0.9, -0.9, 0.1)) == 6
    assert orientation_of(matrix(2, 0, 0, -2)) == 4
    assert orientation_of(matrix(0, 0, 0, 0)) == UPRIGHT
    assert orientation_of(b"") == UPRIGHT
