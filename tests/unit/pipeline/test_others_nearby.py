"""Who else is near a view's subject."""

from __future__ import annotations

import numpy as np

from lfr_ray.pipeline.others_nearby import AROUND_S, OthersNearby
from lfr_ray.records import Faces, Quality, View

SUBJECT, OTHER = (10.0, 10.0, 50.0, 50.0), (60.0, 10.0, 90.0, 50.0)


def faces(*boxes: tuple[float, ...]) -> Faces:
    n = len(boxes)
    return Faces(np.array(boxes, np.float32).reshape(n, 4), np.ones(n, np.float32), np.zeros((n, 5, 2), np.float32))


def view(index: int, captured_s: float) -> View:
    box, chip = np.array(SUBJECT, np.float32), np.zeros((4, 4, 3), np.uint8)
    quality = Quality(40.0, 99.0, 120.0, 0.0, 0.0, 0.0, 0.9, 0.9)
    return View(1, index, captured_s, 0.0, box, np.zeros((5, 2), np.float32), quality, chip)


def test_everybody_else_of_this_frame_also_who_is_not_followed() -> None:
    near = OthersNearby()
    near.add(1, 0.0, faces(SUBJECT, OTHER, (0, 0, 5, 5)), {1: 0, 2: 1})
    assert near.others(view(1, 0.0)).tolist() == [list(OTHER), [0, 0, 5, 5]]


def test_whom_the_detector_missed_here_and_found_before_or_after() -> None:
    near = OthersNearby()
    near.add(1, 0.0, faces(SUBJECT, OTHER), {1: 0, 2: 1})
    near.add(2, 0.1, faces(SUBJECT), {1: 0})
    near.add(3, 0.2, faces(SUBJECT, (70, 10, 99, 50)), {1: 0, 3: 1})
    assert near.others(view(2, 0.1)).tolist() == [list(OTHER), [70, 10, 99, 50]]


def test_who_is_in_this_frame_is_hidden_where_they_are_now() -> None:
    near = OthersNearby()
    near.add(1, 0.0, faces(SUBJECT, OTHER), {1: 0, 2: 1})
    near.add(2, 0.1, faces((12, 12, 52, 52), (70, 10, 99, 50)), {1: 0, 2: 1})
    assert near.others(view(2, 0.1)).tolist() == [[70, 10, 99, 50]]


def test_nothing_old_is_kept() -> None:
    near = OthersNearby()
    near.add(1, 0.0, faces(OTHER), {2: 0})
    near.add(2, 2 * AROUND_S + 0.1, faces(SUBJECT), {1: 0})
    assert len(near.others(view(2, 2 * AROUND_S + 0.1))) == 0
    assert len(near.others(view(1, 0.0))) == 0
    near.clear()
    assert near.others(view(2, 1.1)).shape == (0, 4)
