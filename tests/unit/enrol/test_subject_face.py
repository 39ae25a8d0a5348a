"""Whose picture it is: cases that were seen in real portraits, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.enrol.subject_face import SIZES_TOLD, choose_subject
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
    chosen = choose_subject(faces(*placed), SIDE, SIDE)
    assert (chosen.row, chosen.reason) == (subject, "")
    assert bool(chosen.note) == (len(placed) > 1), "whichever of several is taken, it is said"


@pytest.mark.parametrize(
    "placed",
    [
        [(0.3, 0.5, 0.3), (0.7, 0.5, 0.3)],
        [(0.2, 0.5, 0.2), (0.5, 0.5, 0.2), (0.8, 0.5, 0.2)],
        [(0.2, 0.5, 0.28), (0.5, 0.5, 0.32), (0.8, 0.5, 0.28)],
        [(0.42, 0.5, 0.3), (0.6, 0.45, 0.28)],
        [(0.5, 0.5, 0.12), (0.9, 0.1, 0.12)],
        # A whole face of the same size, or larger, beside the one in the middle.
        [(0.5, 0.5, 0.35), (0.76, 0.5, 0.35)],
        [(0.5, 0.5, 0.3), (0.76, 0.5, 0.36)],
        # A small one in the middle, a stranger in the foreground.
        [(0.5, 0.5, 0.17), (0.78, 0.5, 0.4)],
        [(0.48, 0.4, 0.2), (0.2, 0.6, 0.36)],
    ],
)
def test_nobody_is_clearly_the_subject(placed: list[tuple[float, float, float]]) -> None:
    chosen = choose_subject(faces(*placed), SIDE, SIDE)
    assert (chosen.row, chosen.note) == (None, "")
    assert chosen.reason.startswith(
        f"{len(placed)} faces were found and none is clearly the subject (left to right 1: "
    )
    assert "--face N" in chosen.reason


def test_the_order_of_detections_does_not_matter() -> None:
    placed = [(0.95, 0.3, 0.5), (0.5, 0.5, 0.4), (0.05, 0.6, 0.5)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        row = choose_subject(faces(*(placed[number] for number in order)), SIDE, SIDE).row
        assert row is not None
        assert order[row] == 1


PX = 1 / SIDE


@pytest.mark.parametrize(
    ("placed", "note"),
    [
        ([(0.3, 0.5, 140 * PX), (0.8, 0.5, 60 * PX)], "2 faces: took the larger, 140 px; the other is 60 px"),
        (
            [(0.9, 0.1, 20 * PX), (0.4, 0.5, 140 * PX), (0.85, 0.6, 40 * PX)],
            "3 faces: took the largest, 140 px; the others are 40, 20 px",
        ),
        # Of the face at the edge a half is seen: 100 x 50 pixels.
        (
            [(0.45, 0.5, 100 * PX), (1.0, 0.5, 100 * PX)],
            "2 faces: took the one in the middle, 100 px; the other is 71 px",
        ),
    ],
)
def test_which_of_several_was_taken_is_said(placed: list[tuple[float, float, float]], note: str) -> None:
    assert choose_subject(faces(*placed), SIDE, SIDE).note == note


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
@pytest.mark.parametrize(("wanted", "centre"), [(1, 0.2), (2, 0.5), (3, 0.8)])
def test_a_chosen_face_is_counted_from_the_left(order: list[int], wanted: int, centre: float) -> None:
    placed = [(0.2, 0.3, 0.2), (0.5, 0.8, 0.3), (0.8, 0.5, 0.25)]
    found = faces(*(placed[number] for number in order))
    chosen = choose_subject(found, SIDE, SIDE, wanted)
    assert chosen.row is not None
    assert placed[order[chosen.row]][0] == centre
    assert f"took number {wanted} from the left, as chosen" in chosen.note


@pytest.mark.parametrize(("count", "said"), [(1, "1 face was found"), (2, "2 faces were found")])
def test_a_chosen_face_that_is_not_there_is_refused(count: int, said: str) -> None:
    found = faces(*[(0.3, 0.5, 0.2), (0.7, 0.5, 0.2)][:count])
    chosen = choose_subject(found, SIDE, SIDE, 3)
    assert (chosen.row, chosen.reason) == (None, f"face 3 was chosen, but {said}")


def test_many_faces_are_told_in_few_words() -> None:
    crowd = [(0.1 + 0.08 * number, 0.2, 0.05) for number in range(10)]
    assert choose_subject(faces(*crowd), SIDE, SIDE).reason.count(" px") == SIZES_TOLD
    told = choose_subject(faces((0.5, 0.7, 0.4), *crowd), SIDE, SIDE).note
    assert told.endswith(" px and 5 smaller")
