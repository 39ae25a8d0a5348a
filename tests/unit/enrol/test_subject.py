"""Whose picture it is: cases that were seen in real portraits, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.enrol.subject import choose_subject
from lfr_ray.records import Faces

SIDE = 250


def faces(*placed: tuple[float, float, float]) -> Faces:
    """Faces by centre x, centre y and size, as shares of the picture's side; cut off at its edges."""
    boxes = np.array([[x - size / 2, y - size / 2, x + size / 2, y + size / 2] for x, y, size in placed], np.float32)
    boxes = np.clip(boxes, 0, 1) * SIDE
    count = len(placed)
    return Faces(boxes.astype(np.float32), np.full(count, 0.9, np.float32), np.zeros((count, 5, 2), np.float32))


@pytest.mark.parametrize(
    ("placed", "subject"),
    [
        ([(0.5, 0.5, 0.4)], 0),
        ([(0.1, 0.1, 0.05)], 0),
        ([(0.9, 0.9, 0.1), (0.3, 0.4, 0.5)], 1),
        # Somebody's half face at the edge, nearly as large.
        ([(0.45, 0.5, 0.4), (0.88, 0.5, 0.42)], 0),
        ([(0.95, 0.3, 0.5), (0.5, 0.5, 0.4), (0.05, 0.6, 0.5)], 1),
        # In front of people who are seen whole.
        ([(0.5, 0.52, 0.44), (0.2, 0.4, 0.3), (0.8, 0.4, 0.3)], 0),
        # A large face at the side and a face on a badge or poster in the middle.
        ([(0.2, 0.3, 0.4), (0.5, 0.5, 0.1)], 0),
    ],
)
def test_the_subject_is_clear(placed: list[tuple[float, float, float]], subject: int) -> None:
    assert choose_subject(faces(*placed), SIDE, SIDE) == (subject, "")


@pytest.mark.parametrize(
    "placed",
    [
        [(0.3, 0.5, 0.3), (0.7, 0.5, 0.3)],
        [(0.2, 0.5, 0.2), (0.5, 0.5, 0.2), (0.8, 0.5, 0.2)],
        [(0.2, 0.5, 0.28), (0.5, 0.5, 0.32), (0.8, 0.5, 0.28)],
        [(0.42, 0.5, 0.3), (0.6, 0.45, 0.28)],
        [(0.5, 0.5, 0.12), (0.9, 0.1, 0.12)],
    ],
)
def test_nobody_is_clearly_the_subject(placed: list[tuple[float, float, float]]) -> None:
    row, reason = choose_subject(faces(*placed), SIDE, SIDE)
    assert row is None
    assert reason == f"{len(placed)} faces were found and none is clearly the subject"


def test_the_order_of_detections_does_not_matter() -> None:
    placed = [(0.95, 0.3, 0.5), (0.5, 0.5, 0.4), (0.05, 0.6, 0.5)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        row, _ = choose_subject(faces(*(placed[number] for number in order)), SIDE, SIDE)
        assert row is not None
        assert order[row] == 1
