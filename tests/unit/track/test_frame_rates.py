"""Limits of time follow the rate at which frames come."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.config import TrackConfig
from lfr_ray.records import Faces
from lfr_ray.track.tracker import LOST_INTERVALS, FaceTracker, Tracked


def face_at(x_px: float, size_px: float = 50) -> Faces:
    boxes = np.array([[x_px, 20, x_px + size_px, 20 + size_px]], np.float32)
    return Faces(boxes, np.array([0.9], np.float32), np.zeros((1, 5, 2), np.float32))


@pytest.mark.parametrize("fps", [0.2, 0.5, 1, 2, 5, 10, 25, 60, 120])
def test_one_who_stands_there_is_one_track_at_any_rate(fps: float) -> None:
    tracker = FaceTracker(TrackConfig())
    seen = [set(tracker.update(face_at(20), index / fps).rows) for index in range(40)]
    assert seen == [{1}] * 40


@pytest.mark.parametrize("fps", [0.2, 1, 10, 120])
def test_one_miss_ends_no_track(fps: float) -> None:
    tracker = FaceTracker(TrackConfig())
    for index in range(6):
        tracker.update(face_at(20), index / fps)
    assert tracker.update(Faces.none(), 6 / fps) == Tracked()
    assert set(tracker.update(face_at(20), 7 / fps).rows) == {1}


@pytest.mark.parametrize("fps", [0.2, 1, 10])
def test_a_gap_of_many_intervals_ends_every_track(fps: float) -> None:
    tracker = FaceTracker(TrackConfig())
    for index in range(6):
        tracker.update(face_at(20), index / fps)
    later_s = 5 / fps + max(0.8, LOST_INTERVALS / fps) + 0.1
    assert tracker.update(face_at(20), later_s).ended == (1,)


def test_bursts_are_a_slow_camera() -> None:
    tracker = FaceTracker(TrackConfig())
    moments_s = [burst * 1.5 + within * 0.04 for burst in range(8) for within in range(3)]
    ids = [set(tracker.update(face_at(20), moment_s).rows) for moment_s in moments_s]
    assert ids[6:] == [ids[6]] * len(ids[6:])


def test_frames_a_minute_apart_have_no_track_in_common() -> None:
    tracker = FaceTracker(TrackConfig())
    seen = [tuple(tracker.update(face_at(20), 60.0 * index).rows) for index in range(4)]
    assert len(set(seen)) == 4


def test_a_walker_who_has_left_the_box_is_followed_where_frames_come_slowly() -> None:
    slow, fast = FaceTracker(TrackConfig()), FaceTracker(TrackConfig())
    assert [set(slow.update(face_at(20 + 45 * index), 1.0 * index).rows) for index in range(4)] == [{1}] * 4
    assert set(fast.update(face_at(20), 0.0).rows) == {1}
    assert fast.update(face_at(65), 0.1).rows == {}


def test_one_frame_is_a_track_where_there_may_be_no_other() -> None:
    slow, fast = FaceTracker(TrackConfig()), FaceTracker(TrackConfig())
    for tracker, interval_s in ((slow, 1.0), (fast, 0.1)):
        for index in range(3):
            tracker.update(Faces.none(), index * interval_s)
    assert (slow.slow, fast.slow) == (True, False)
    assert len(slow.update(face_at(20), 3.0).rows) == 1
    assert fast.update(face_at(20), 0.3).rows == {}
