"""What `lfr run` says of cameras on the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lfr_ray.camera.reader import CameraStatus
from lfr_ray.cli.run import camera_words

LIVE = CameraStatus("pier", "live", None, 10, 0, 0, 0, 0, 640, 360, 10.0, 0.0, 0.0, "rtsp://192.0.2.1/", "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "live"),
        ({"state": "connecting"}, "connecting"),
        ({"state": "ended", "problem": "no such file"}, "ended: no such file"),
        ({"refusal": "no authority in force"}, "live: nothing is compared: no authority in force"),
        ({"state": "blind", "blind_since": 12.0, "problem": "refused"}, "blind since 00:00:12: refused"),
    ],
)
def test_a_camera_is_told_in_a_line(change: dict[str, object], words: str) -> None:
    assert camera_words(replace(LIVE, **change)) == words


def test_a_camera_that_stays_blind_is_told_once() -> None:
    blind = replace(LIVE, state="blind", blind_since=12.0, problem="no picture for 6 s")
    assert camera_words(blind) == camera_words(replace(blind, problem="no picture for 7 s")) == "blind since 00:00:12"
