"""Words and outlines on pictures."""

from __future__ import annotations

import numpy as np

from lfr_ray.camera.draw_on_pictures import CAPTION_PX, CHOSEN_RGB, OTHER_RGB, caption, outlined


def test_captions_are_pictures_of_their_width_and_long_text_goes_on_below() -> None:
    short, long = caption("e1/1.jpg", 200, 3), caption("a long name " * 20, 200, 3)
    assert short.shape == long.shape == (3 * (CAPTION_PX + 4), 200, 3)
    lower = slice(CAPTION_PX + 6, None)
    assert (short[lower] == 255).all()
    assert (long[lower] < 128).any()
    assert (caption("Jürgen Łąkowski 山田", 200, 1) < 128).any()
    assert (caption("", 200, 1) == 255).all()


def test_the_chosen_face_is_outlined_in_another_colour() -> None:
    picture = np.full((120, 200, 3), 90, np.uint8)
    boxes = np.array([[10, 20, 60, 80], [110, 20, 160, 80]], np.float32)
    drawn = outlined(picture, boxes, 1, [1, 2])
    assert (picture == 90).all(), "the picture itself is untouched"
    assert tuple(drawn[50, 110]) == tuple(drawn[50, 112]) == CHOSEN_RGB
    assert tuple(drawn[50, 10]) == OTHER_RGB
    assert (drawn[20:40, 12:30] == 255).any(), "the number"
    assert (outlined(picture, boxes, None, [1, 2])[50, 110] == OTHER_RGB).all()


def test_one_face_needs_no_number_and_boxes_beyond_the_edge_do_no_harm() -> None:
    picture = np.full((60, 80, 3), 90, np.uint8)
    assert not (outlined(picture, np.array([[10, 5, 40, 50]], np.float32), 0, [1]) == 255).any()
    beyond = np.array([[-30, -20, 200, 300], [70, 55, 90, 70]], np.float32)
    assert outlined(picture, beyond, 0, [1, 2]).shape == picture.shape
