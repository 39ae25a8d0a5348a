"""What `lfr run` says of a site on the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lfr_ray.cli.run import camera_words, health_words
from lfr_ray.health import CameraHealth, SiteHealth


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        (CameraHealth("live"), "live"),
        (CameraHealth("starting"), "starting"),
        (CameraHealth("ended", None, "no such file"), "ended: no such file"),
        (CameraHealth("live", refusal="no authority"), "live: nothing is compared: no authority"),
        (CameraHealth("live", warning="too few looks"), "live: too few looks"),
        (CameraHealth("blind", 12.0, "refused"), "blind since 00:00:12: refused"),
    ],
)
def test_a_camera_is_told_in_a_line(camera: CameraHealth, words: str) -> None:
    assert camera_words(camera) == words


def test_a_camera_that_stays_blind_is_told_once() -> None:
    blind = CameraHealth("blind", 12.0, "no picture for 6 s")
    assert camera_words(blind) == camera_words(replace(blind, problem="no picture for 7 s")) == "blind since 00:00:12"


def test_parts_are_told_beside_the_cameras() -> None:
    health = SiteHealth({"pier": CameraHealth("live")}, {"cameras": "none is live", "desk": "no answer", "site": ""})
    assert health_words(health) == {"pier": "camera pier: live", "desk": "no answer", "site": ""}
