"""The motion model: it learns how a box moves, and says where it will be."""

from __future__ import annotations

import numpy as np

from lfr_ray.track import kalman


def box(x: float, y: float, width: float = 40, height: float = 50) -> np.ndarray:
    return np.array([[x, y, x + width, y + height]], np.float32)


def test_boxes_survive_the_way_there_and_back() -> None:
    boxes = np.concatenate([box(10, 20), box(300, 5, 80, 60)])
    states, covariances = kalman.begin(kalman.measured(boxes))
    np.testing.assert_allclose(kalman.boxes_of(states), boxes, atol=1e-4)
    assert covariances.shape == (2, 8, 8)


def test_a_steady_walk_is_foretold() -> None:
    states, covariances = kalman.begin(kalman.measured(box(0, 100)))
    for step in range(1, 20):
        states, covariances = kalman.correct(
            *kalman.predict(states, covariances), kalman.measured(box(6 * step, 100 + 2 * step))
        )
    foretold, _ = kalman.predict(states, covariances)
    np.testing.assert_allclose(kalman.boxes_of(foretold), box(120, 140), atol=1.0)


def test_what_is_not_seen_becomes_less_certain_and_what_is_seen_more() -> None:
    states, covariances = kalman.begin(kalman.measured(box(0, 0)))
    moved, wider = kalman.predict(states, covariances)
    _, narrower = kalman.correct(moved, wider, kalman.measured(box(1, 1)))
    places = (0, 1, 3)
    assert all(wider[0, i, i] > covariances[0, i, i] for i in places)
    assert all(narrower[0, i, i] < wider[0, i, i] for i in places)
    np.testing.assert_allclose(narrower, narrower.transpose(0, 2, 1), atol=1e-9)


def test_each_box_is_filtered_by_itself() -> None:
    both = kalman.begin(kalman.measured(np.concatenate([box(0, 0), box(200, 90, 30, 35)])))
    seen = kalman.measured(np.concatenate([box(4, 1), box(190, 95, 31, 36)]))
    together = kalman.correct(*kalman.predict(*both), seen)
    for row in range(2):
        alone = kalman.predict(both[0][row : row + 1], both[1][row : row + 1])
        alone = kalman.correct(*alone, seen[row : row + 1])
        np.testing.assert_allclose(alone[0][0], together[0][row])
        np.testing.assert_allclose(alone[1][0], together[1][row])
