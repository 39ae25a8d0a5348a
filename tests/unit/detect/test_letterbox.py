"""Pictures onto canvases and faces back: never off by more than the resize itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lfr_ray.detect.letterbox import fit
from lfr_ray.errors import ShapeError
from lfr_ray.records import Faces


def faces_at(*points: tuple[float, float]) -> Faces:
    marks = np.array([[point] * 5 for point in points], np.float32)
    boxes = np.array([(x, y, x + 10, y + 10) for x, y in points], np.float32)
    return Faces(boxes, np.ones(len(points), np.float32), marks)


@settings(deadline=None)
@given(st.integers(64, 900), st.integers(64, 900))
@example(607, 872)
def test_the_picture_lies_top_left_in_its_own_shape(width: int, height: int) -> None:
    canvas, mapping = fit(np.full((height, width, 3), 200, np.uint8), 320, 192)
    assert canvas.shape == (192, 320, 3)
    inner_width, inner_height = (canvas[0, :, 0] == 200).sum(), (canvas[:, 0, 0] == 200).sum()
    assert inner_width == 320 or inner_height == 192
    assert (canvas[:inner_height, :inner_width] == 200).all()
    assert not canvas[inner_height:].any()
    assert not canvas[:, inner_width:].any()
    assert abs(width * mapping.scale_x - inner_width) <= 1
    assert abs(height * mapping.scale_y - inner_height) <= 1
    # A pixel of the canvas, and the rows and columns that halving leaves out.
    assert abs(mapping.scale_x - mapping.scale_y) * min(width, height) <= 1.5


@pytest.mark.parametrize("size", [(1, 1), (1, 384), (3, 384), (900, 1), (5000, 2)])
def test_thin_pictures(size: tuple[int, int]) -> None:
    canvas, mapping = fit(np.full((size[1], size[0], 3), 200, np.uint8), 320, 192)
    assert (canvas[0, 0] == 200).all()
    assert mapping.scale_x > 0
    assert mapping.scale_y > 0


@pytest.mark.parametrize("size", [(1920, 1080), (640, 360), (200, 900), (100, 100)])
def test_a_mark_is_found_again_where_it_was(size: tuple[int, int]) -> None:
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    x, y, side = width // 3, height // 2, max(8, width // 20)
    picture[y : y + side, x : x + side] = 255
    canvas, mapping = fit(picture, 640, 384)
    rows, columns = np.nonzero(canvas[..., 0] > 127)
    corners = faces_at((columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1))
    back = mapping.back(corners)
    wanted = np.array([(x, y), (x + side, y + side)], np.float32)
    np.testing.assert_allclose(back.points[:, 0], wanted, atol=max(1.0, 1.0 / mapping.scale_x))


def test_boxes_end_at_the_pictures_edges() -> None:
    _, mapping = fit(np.zeros((100, 200, 3), np.uint8), 400, 400)
    back = mapping.back(faces_at((-20.0, -20.0), (396.0, 196.0)))
    assert back.boxes.dtype == np.float32
    assert back.boxes.tolist() == [[0, 0, 0, 0], [198, 98, 200, 100]]
    assert len(mapping.back(Faces.none())) == 0


def test_shrinking_averages() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    canvas, _ = fit(stripes, 100, 100)
    assert np.abs(canvas.astype(int) - 127).max() <= 1


def test_a_picture_of_the_canvas_size_is_unchanged() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    canvas, mapping = fit(picture, 96, 64)
    np.testing.assert_array_equal(canvas, picture)
    assert (mapping.scale_x, mapping.scale_y) == (1, 1)
    padded, _ = fit(picture, 96, 96)
    np.testing.assert_array_equal(padded[:64], picture)


def test_views_and_read_only_pictures_are_fine() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    picture.setflags(write=False)
    for size in ((48, 32), (96, 64)):
        turned, _ = fit(picture[:, ::-1, ::-1], *size)
        plain, _ = fit(np.ascontiguousarray(picture[:, ::-1, ::-1]), *size)
        np.testing.assert_array_equal(turned, plain)


@pytest.mark.parametrize("shape", [(0, 10, 3), (10, 0, 3), (10, 10), (10, 10, 4)])
def test_what_is_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        fit(np.zeros(shape, np.uint8), 64, 64)


def test_an_empty_canvas() -> None:
    with pytest.raises(ShapeError):
        fit(np.zeros((4, 4, 3), np.uint8), 0, 64)
