"""What `lfr run` says of a site on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from lfr_ray.cli.run import _print_news, camera_words, health_words
from lfr_ray.errors import LfrError, ResourceError, StoreError
from lfr_ray.health import CameraHealth, SiteHealth
from lfr_ray.live_site import LiveSite


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


class DiesOnce:
    """A site whose alert desk fails between its list of steps and the alert that the second of them is about."""

    def __init__(self, error: LfrError) -> None:
        self.asked, self._error = 0, error

    def events(self, after: int, wait_s: float) -> Iterator[dict[str, Any]]:
        yield from ({"id": step, "kind": "alert_raised", "alert_id": f"a{step}"} for step in range(after + 1, 4))

    def alert(self, alert_id: str) -> dict[str, Any]:
        self.asked += 1
        if self.asked == 2:
            raise self._error
        figures = {"time_s": 4.5, "similarity": 0.8, "threshold": 0.7, "views_agreeing": 2, "views_compared": 2}
        return {"captured_at": "2026-06-01T10:00:00Z", "camera": "pier", "entry_id": alert_id, **figures}


@pytest.mark.parametrize("error", [ResourceError("a process has died"), StoreError("the database is away")], ids=type)
def test_a_desk_that_fails_between_an_event_and_its_alert_is_asked_again(
    error: LfrError, capsys: pytest.CaptureFixture[str]
) -> None:
    site = cast(LiveSite, DiesOnce(error))
    after = _print_news(site, 0, quiet=False)
    assert after == 1
    assert _print_news(site, after, quiet=False) == 3
    said = capsys.readouterr().out
    assert re.findall(r"entry\s+(a\d)", said) == ["a1", "a2", "a3"]
    assert said.count("camera pier at 4.5 s") == 3
