"""Evidence pictures: the subject untouched, everybody else unrecognisable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.camera.redact_faces import (
    OUTLINE_RGB,
    SCENE_WIDTH_PX,
    crop_face,
    scene_jpeg,
    scene_picture,
)
from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.errors import ShapeError

RANDOM = np.random.default_rng(7)
NOBODY = np.zeros((0, 4), np.float32)


def noise(height_px: int, width_px: int) -> np.ndarray:
    """Every pixel differs from its neighbours, so that anything kept or lost shows."""
    return RANDOM.integers(0, 256, (height_px, width_px, 3)).astype(np.uint8)


def box(*sides: float) -> np.ndarray:
    return np.array(sides, np.float32)


def test_the_face_has_forty_percent_margin_in_which_nothing_can_be_told() -> None:
    frame = noise(400, 600)
    face = crop_face(frame, box(200, 100, 300, 200))
    assert face.shape == (180, 180, 3)
    np.testing.assert_array_equal(face[50:130, 50:130], frame[110:190, 210:290])
    for corner in (face[:30, :30], face[-30:, :30], face[:30, -30:]):
        assert corner.astype(float).var() < 500


def test_who_is_elsewhere_leaves_no_trace_on_the_face() -> None:
    frame, subject = noise(400, 600), box(200, 100, 300, 200)
    alone = crop_face(frame, subject)
    elsewhere = np.stack([box(400, 100, 460, 190), box(200, 300, 290, 390), box(0, 0, 100, 60)])
    np.testing.assert_array_equal(crop_face(frame, subject, elsewhere), alone)
    near = crop_face(frame, subject, box(310, 100, 500, 300)[None])
    assert (near != alone).any(), "its margin reaches into the picture"


def test_the_face_at_the_edge_stays_inside() -> None:
    assert crop_face(noise(100, 100), box(-20, -30, 50, 40)).shape == (68, 78, 3)


def test_the_subject_is_untouched_and_everything_else_is_gone() -> None:
    frame = noise(480, 640)
    others = np.stack([box(300, 100, 400, 220), box(20, 300, 60, 350)])
    scene = scene_picture(frame, box(100, 100, 200, 220), others)
    assert scene.shape == frame.shape
    np.testing.assert_array_equal(scene[100:220, 100:200], frame[100:220, 100:200])
    for x1, y1, x2, y2 in others.astype(int):
        hidden, seen = scene[y1:y2, x1:x2].astype(float), frame[y1:y2, x1:x2].astype(float)
        assert seen.var() > 4000
        assert hidden.var() < seen.var() / 50
        # No fine structure at all: neighbours hardly differ.
        assert np.abs(np.diff(hidden, axis=1)).max() < 10
        assert np.abs(np.diff(hidden, axis=0)).max() < 10
        pairs = np.corrcoef((hidden - hidden.mean()).ravel(), (seen - seen.mean()).ravel())
        assert abs(pairs[0, 1]) < 0.2


def test_the_surroundings_keep_nothing_but_the_average_of_blocks_half_a_face_large() -> None:
    """Frames whose pixels are shuffled inside each block become the same picture, also where nobody was found."""
    frame, block = noise(200, 200), 20
    shuffled = frame.copy()
    for y in range(0, 200, block):
        for x in range(0, 200, block):
            if not (60 <= x < 160 and 60 <= y < 160):  # the subject's head
                pixels = shuffled[y : y + block, x : x + block].reshape(-1, 3)
                shuffled[y : y + block, x : x + block] = RANDOM.permutation(pixels).reshape(block, block, 3)
    assert (shuffled != frame).mean() > 0.7
    one, two = (scene_picture(each, box(90, 90, 130, 130), NOBODY) for each in (frame, shuffled))
    assert np.abs(one.astype(int) - two).max() <= 1


def test_a_larger_face_is_averaged_further() -> None:
    frame = noise(600, 600)
    frame[300:400, 300:400] = 0
    frame[400:500, 300:400] = 255
    scene = scene_picture(frame, box(20, 20, 60, 60), box(300, 300, 500, 500)[None])
    assert np.abs(np.diff(scene[300:500, 300:500].astype(int), axis=0)).max() < 8


def test_the_subject_is_outlined_outside_of_the_face() -> None:
    frame = np.zeros((200, 300, 3), np.uint8)
    scene = scene_picture(frame, box(100, 50, 150, 120), NOBODY)
    for y, x in ((48, 125), (121, 125), (80, 99), (80, 151)):
        np.testing.assert_array_equal(scene[y, x], OUTLINE_RGB)
    assert not scene[50:120, 100:150].any()


def test_where_faces_overlap_each_pixel_goes_to_the_nearer_one() -> None:
    frame = noise(300, 300)
    scene = scene_picture(frame, box(100, 100, 200, 200), box(160, 110, 260, 210)[None])
    # The subject's face stays, ...
    np.testing.assert_array_equal(scene[100:200, 100:165], frame[100:200, 100:165])
    # ... the other one is hidden, also where it lies inside the subject's box.
    assert scene[130:190, 186:200].astype(float).var() < 500
    assert scene[110:210, 210:260].astype(float).var() < 500


def test_a_second_detection_of_the_subject_is_not_hidden() -> None:
    frame = noise(300, 300)
    scene = scene_picture(frame, box(100, 100, 200, 200), box(105, 95, 205, 205)[None])
    np.testing.assert_array_equal(scene[100:200, 100:200], frame[100:200, 100:200])


def test_wide_frames_become_1280_wide_with_the_boxes_in_place() -> None:
    frame = noise(1080, 1920)
    frame[300:600, 300:600] = (10, 200, 10)
    scene = scene_picture(frame, box(300, 300, 600, 600), box(1200, 300, 1500, 600)[None])
    assert scene.shape == (720, SCENE_WIDTH_PX, 3)
    assert abs(scene[210:390, 210:390].astype(int) - (10, 200, 10)).max() < 40
    assert scene[200:400, 800:1000].astype(float).var() < 100
    assert read_picture(scene_jpeg(frame, box(300, 300, 600, 600), NOBODY)).shape == (720, 1280, 3)


def test_the_frame_itself_is_not_changed() -> None:
    frame = noise(100, 100)
    frame.flags.writeable = False
    before = frame.copy()
    scene_picture(frame, box(10, 10, 40, 40), box(50, 50, 90, 90)[None])
    np.testing.assert_array_equal(frame, before)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-500, 900, width=32)] * 4), min_size=1, max_size=4))
def test_any_box_gives_a_picture(boxes: list[tuple[float, float, float, float]]) -> None:
    frame = noise(120, 160)
    rows = np.array(boxes, np.float32)
    assert scene_picture(frame, rows[0], rows[1:].reshape(-1, 4)).shape == frame.shape
    assert crop_face(frame, rows[0]).size > 0


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ShapeError, match="box"):
        crop_face(noise(10, 10), np.zeros((5,), np.float32))
    with pytest.raises(ShapeError, match="other_boxes"):
        scene_picture(noise(10, 10), box(1, 1, 3, 3), np.zeros((4,), np.float32))
    with pytest.raises(ShapeError, match="not finite"):
        crop_face(noise(10, 10), box(1, np.nan, 3, 3))
