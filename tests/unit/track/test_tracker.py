"""Tracks follow faces, end in time, and never mix two timelines."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.config import TrackConfig
from lfr_ray.records import Faces
from lfr_ray.track.tracker import FaceTracker, Tracked


def faces_at(*corners: tuple[float, float], size_px: float = 50, score: float = 0.9) -> Faces:
    boxes = np.array([[x, y, x + size_px, y + size_px] for x, y in corners], np.float32).reshape(-1, 4)
    return Faces(boxes, np.full(len(corners), score, np.float32), np.zeros((len(corners), 5, 2), np.float32))


def test_two_people_keep_their_ids_while_they_walk() -> None:
    tracker = FaceTracker(TrackConfig())
    seen = [tracker.update(faces_at((10 + 4 * i, 20), (300 - 4 * i, 200)), i * 0.1).rows for i in range(20)]
    assert all(set(rows) == {1, 2} for rows in seen)
    first = seen[0]
    assert all(rows == first for rows in seen), "the row of each id stays with the same face"


def test_a_track_ends_lost_s_after_its_last_detection() -> None:
    tracker = FaceTracker(TrackConfig(lost_s=0.5))
    for i in range(10):
        tracker.update(faces_at((10, 10)), i * 0.1)
    ended_at_s = next(1.0 + i * 0.1 for i in range(20) if tracker.update(Faces.none(), 1.0 + i * 0.1).ended == (1,))
    assert 0.4 <= ended_at_s - 0.9 <= 0.8


def test_a_short_miss_does_not_end_a_track() -> None:
    tracker = FaceTracker(TrackConfig(lost_s=0.5))
    for i in range(5):
        tracker.update(faces_at((10, 10)), i * 0.1)
    assert tracker.update(Faces.none(), 0.5).ended == ()
    assert tracker.update(faces_at((10, 10)), 0.6).rows == {1: 0}


def test_a_gap_in_time_ends_everything_before_it() -> None:
    tracker = FaceTracker(TrackConfig(lost_s=0.5))
    for i in range(5):
        tracker.update(faces_at((10, 10)), i * 0.1)
    after = tracker.update(faces_at((10, 10)), 5.0)
    assert after.ended == (1,)
    assert set(after.rows) == {2}, "the same place after a gap is another tracklet"


def test_a_timeline_that_jumps_back_starts_anew() -> None:
    tracker = FaceTracker(TrackConfig())
    tracker.update(faces_at((10, 10)), 10.0)
    assert tracker.update(faces_at((10, 10)), 0.0).ended == (1,)


def test_ids_of_two_trackers_do_not_leak_into_each_other() -> None:
    first, second = FaceTracker(TrackConfig()), FaceTracker(TrackConfig())
    first.update(faces_at((10, 10), (200, 200)), 0.0)
    assert set(second.update(faces_at((10, 10)), 0.0).rows) == {1}


def test_finish_returns_every_living_track_and_ids_go_on() -> None:
    tracker = FaceTracker(TrackConfig())
    tracker.update(faces_at((10, 10), (200, 200)), 0.0)
    assert tracker.finish() == (1, 2)
    assert set(tracker.update(faces_at((10, 10)), 0.1).rows) == {3}


def test_an_empty_frame_is_no_track() -> None:
    tracker = FaceTracker(TrackConfig())
    assert tracker.update(Faces.none(), 0.0).rows == {}
    assert tracker.finish() == ()


def test_weak_detections_continue_a_track_but_never_start_one() -> None:
    tracker = FaceTracker(TrackConfig(high_score=0.6, low_score=0.3, new_score=0.6))
    assert tracker.update(faces_at((10, 10), score=0.4), 0.0).rows == {}
    tracker.update(faces_at((10, 10), score=0.9), 0.1)
    tracker.update(faces_at((10, 10), score=0.9), 0.2)
    assert tracker.update(faces_at((10, 10), score=0.4), 0.3).rows == {1: 0}


def walk(*paths: list[tuple[float, float]]) -> list[Faces]:
    """A frame for each step of some people who walk at once."""
    return [faces_at(*places) for places in zip(*paths, strict=True)]


def test_two_people_who_cross_keep_their_ids() -> None:
    tracker = FaceTracker(TrackConfig())
    right = [(20.0 + 15 * i, 100.0) for i in range(30)]
    left = [(480.0 - 15 * i, 112.0) for i in range(30)]
    seen = [tracker.update(faces, i * 0.1).rows for i, faces in enumerate(walk(right, left))]
    first = seen[0]
    assert set(first) == {1, 2}
    for rows in seen:
        assert all(first[track] == row for track, row in rows.items()), "who walks right is the same to the end"
    assert set(seen[-1]) == {1, 2}


def test_a_face_behind_somebody_is_found_where_it_was_going() -> None:
    tracker = FaceTracker(TrackConfig(lost_s=0.8))
    for i in range(10):
        tracker.update(faces_at((20.0 + 12 * i, 100.0)), i * 0.1)
    for i in range(10, 16):
        assert tracker.update(Faces.none(), i * 0.1) == Tracked()
    found = tracker.update(faces_at((20.0 + 12 * 16, 100.0)), 1.6)
    assert found.rows == {1: 0}, "72 px on: without a prediction the boxes would not even touch"


def test_a_gap_of_low_scores_does_not_break_a_track() -> None:
    tracker = FaceTracker(TrackConfig(high_score=0.6, low_score=0.3, new_score=0.6, lost_s=0.3))
    for i in range(30):
        score = 0.4 if 5 <= i < 25 else 0.9
        assert set(tracker.update(faces_at((10.0 + 6 * i, 50.0), score=score), i * 0.1).rows) == {1}


def test_a_face_that_was_seen_once_is_no_track() -> None:
    tracker = FaceTracker(TrackConfig())
    tracker.update(faces_at((10, 10)), 0.0)
    assert set(tracker.update(faces_at((10, 10), (300, 300)), 0.1).rows) == {1}
    assert set(tracker.update(faces_at((10, 10)), 0.2).rows) == {1}
    assert tracker.finish() == (1,)


def test_frames_that_come_unevenly_end_a_track_by_time_and_not_by_number() -> None:
    tracker = FaceTracker(TrackConfig(lost_s=0.8))
    tracker.update(faces_at((10, 10)), 0.0)
    moments = [0.01 * i for i in range(1, 81)]
    assert all(tracker.update(Faces.none(), moment).ended == () for moment in moments)
    assert tracker.update(Faces.none(), 0.82).ended == (1,)


def test_boxes_without_an_area_are_left_out() -> None:
    tracker = FaceTracker(TrackConfig())
    assert tracker.update(faces_at((10, 10), size_px=0), 0.0) == Tracked()
    assert tracker.update(faces_at((10, 10)), 0.1).ended == ()


@given(st.lists(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 300), st.floats(0.1, 1)), max_size=6), max_size=25))
def test_whatever_is_detected_ids_are_unique_and_end_once(frames: list[list[tuple[float, float, float]]]) -> None:
    tracker = FaceTracker(TrackConfig(lost_s=0.3))
    alive: set[int] = set()
    over: set[int] = set()
    for index, people in enumerate(frames):
        boxes = np.array([[x, y, x + 60, y + 60] for x, y, _ in people], np.float32).reshape(-1, 4)
        scores = np.array([score for _, _, score in people], np.float32)
        tracked = tracker.update(Faces(boxes, scores, np.zeros((len(people), 5, 2), np.float32)), index * 0.1)
        assert len(set(tracked.rows.values())) == len(tracked.rows), "a face belongs to one track"
        assert not tracked.rows.keys() & over, "what has ended never comes back"
        alive |= tracked.rows.keys()
        assert set(tracked.ended) <= alive - tracked.rows.keys()
        alive -= set(tracked.ended)
        over |= set(tracked.ended)
    assert set(tracker.finish()) == alive
