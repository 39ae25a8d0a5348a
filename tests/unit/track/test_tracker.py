"""Tracks follow faces, end in time, and never mix two timelines."""

from __future__ import annotations

import numpy as np

from lfr_ray.config import TrackConfig
from lfr_ray.records import Faces
from lfr_ray.track.tracker import FaceTracker


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
