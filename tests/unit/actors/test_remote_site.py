"""What a site shows of a camera is what the camera said."""

from __future__ import annotations

from lfr_ray.actors.remote_site import _camera
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.health import CameraHealth


def test_counts_of_a_camera_are_shown_as_it_said_them() -> None:
    said = CameraStatus(
        "pier", "live", None, 100, 20, 3, 4, 5, 1920, 1080, 9.98, 0.1, 7.0, "rtsp://192.0.2.7/a", "", still=30
    )
    shown = _camera("pier", CameraHealth("live"), said, takes=False)
    assert (shown.frames, shown.frames_dropped, shown.frames_still, shown.frames_damaged) == (100, 20, 30, 4)
    assert (shown.width_px, shown.height_px, shown.fps_wanted) == (1920, 1080, 9.98)
    assert _camera("pier", CameraHealth("starting"), None, takes=False).frames_still is None
