"""Records travel between processes whole, never change, and no log of them can show a face."""

from __future__ import annotations

import dataclasses
import inspect
import pickle

import numpy as np
import pytest

from lfr_ray import records
from lfr_ray.records import Answer, Faces, Frame, Match, Probe, Quality, Sighting, View

QUALITY = Quality(
    size_px=80.0,
    sharpness=120.0,
    exposure=110.0,
    yaw=0.1,
    pitch=0.0,
    roll_deg=2.0,
    detector_score=0.9,
    value=0.8,
)
MATCH = Match(
    entry_id="e-7",
    name="A Person",
    category="test",
    action="observe",
    similarity=0.7,
    threshold=0.5,
    margin=0.2,
    runner_up="e-8",
    views_agreeing=3,
    views_compared=4,
    list_size=500,
)


def faces(count: int) -> Faces:
    rows = np.arange(count, dtype=np.float32)
    return Faces(
        np.stack([rows, rows, rows + 10, rows + 20], axis=1),
        rows / 10,
        np.tile(rows[:, None, None], (1, records.POINTS, 2)),
    )


def examples() -> list[object]:
    """One of each record that holds pixels, vectors or pictures, filled with recognisable values."""
    pixels = np.full((4, 6, 3), 237, np.uint8)
    vectors = np.full((2, 8), 0.12345, np.float32)
    box = np.array([111.5, 222.5, 333.5, 444.5], np.float32)
    points = np.full((5, 2), 98.7654, np.float32)
    jpeg = b"\xff\xd8\xff\xe0JFIF-bytes"
    return [
        Frame("gate", 3, 0.3, 1000.3, pixels),
        faces(3),
        View(1, 3, 0.3, 1000.3, box, points, QUALITY, pixels),
        Probe("gate", 1, 1000.3, "dlib_resnet", vectors, np.ones(2, np.float32)),
        Sighting(
            "k", "gate", 1, 0.3, 1000.3, MATCH, "dlib_resnet", "", (1.0, 2.0, 3.0, 4.0), QUALITY, jpeg, jpeg, jpeg
        ),
    ]


@pytest.mark.parametrize("record", examples(), ids=lambda record: type(record).__name__)
def test_a_repr_shows_no_pixel_vector_or_picture(record: object) -> None:
    text = repr(record)
    for trace in ("array(", "237", "0.12345", "98.7654", "111.5", "JFIF", "\\xff", "dtype"):
        assert trace not in text
    assert len(text) < 1500


def test_no_repr_names_a_person() -> None:
    sighting = next(record for record in examples() if isinstance(record, Sighting))
    for record in (MATCH, Answer(MATCH), sighting):
        assert MATCH.name not in repr(record)
        assert MATCH.entry_id in repr(record)


def test_every_record_with_arrays_or_bytes_hides_them() -> None:
    kinds = [kind for _, kind in inspect.getmembers(records, dataclasses.is_dataclass)]
    assert len(kinds) >= 8
    shown = [
        f"{kind.__name__}.{one.name}"
        for kind in kinds
        for one in dataclasses.fields(kind)
        if one.repr and any(word in str(one.type) for word in ("Picture", "Floats", "Ints", "NDArray", "bytes"))
    ]
    assert shown == []


@pytest.mark.parametrize(
    "record", [*examples(), MATCH, QUALITY, Answer(), Answer(MATCH)], ids=lambda r: type(r).__name__
)
def test_records_survive_pickling_and_never_change(record: object) -> None:
    again = pickle.loads(pickle.dumps(record))
    for one in dataclasses.fields(record):  # type: ignore[arg-type]
        before, after = getattr(record, one.name), getattr(again, one.name)
        assert np.array_equal(before, after) if isinstance(before, np.ndarray) else before == after
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(again, one.name, before)


def test_a_frame_knows_its_size() -> None:
    frame = Frame("gate", 0, 0.0, 0.0, np.zeros((4, 6, 3), np.uint8))
    assert (frame.height_px, frame.width_px) == (4, 6)


def test_no_faces_are_still_arrays_of_the_right_shape() -> None:
    none = Faces.none()
    assert len(none) == 0
    assert none.boxes.shape == (0, 4)
    assert none.points.shape == (0, 5, 2)
    assert none.boxes.dtype == none.scores.dtype == none.points.dtype == np.float32


def test_faces_are_taken_in_the_order_asked_for() -> None:
    all_of_them = faces(4)
    assert all_of_them.take(np.array([2, 0])).scores.tolist() == pytest.approx([0.2, 0.0])
    assert len(all_of_them.take(all_of_them.scores > 0.15)) == 2


def test_faces_move_into_another_pictures_pixels_without_touching_the_original() -> None:
    one = faces(2)
    before = one.boxes.copy()
    moved = one.mapped(2.0, shift_x_px=5.0, shift_y_px=-1.0)
    assert moved.boxes[1].tolist() == [7.0, 1.0, 27.0, 41.0]
    assert moved.points[1, 0].tolist() == [7.0, 1.0]
    assert moved.boxes.dtype == np.float32
    assert np.array_equal(one.boxes, before)


def test_quality_is_accepted_without_a_reason() -> None:
    assert QUALITY.accepted
    assert not dataclasses.replace(QUALITY, reason="small").accepted
