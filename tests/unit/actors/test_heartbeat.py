"""A process is found frozen once, then has twice as long, and the usual time again after it has answered for long."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.actors import heartbeat
from lfr_ray.actors.heartbeat import CALM_S, FROZEN_S, Heartbeat
from lfr_ray.actors.node_watch import seldom
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.health import Heard, MatcherSaid


def test_patience_is_doubled_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "row_of", lambda _actor: {"State": "ALIVE"})
    one: Heartbeat[Any] = Heartbeat("pier/matcher", heartbeat.ask_matcher)
    one.actor = object()

    def frozen(answered_s: float, after_s: float) -> bool:
        one.heard = Heard(MatcherSaid(), answered_s)
        return one.found_frozen(answered_s + after_s)

    assert not frozen(100.0, FROZEN_S)
    assert frozen(100.0, FROZEN_S + 0.1)
    assert not frozen(100.0, FROZEN_S + 1), "said once"
    assert not frozen(120.0, FROZEN_S + 0.1)
    assert frozen(120.0, 2 * FROZEN_S + 0.1)
    assert frozen(130.0 + CALM_S, FROZEN_S + 0.1)


@pytest.mark.parametrize(
    ("urls", "times"),
    [
        ((), 1.0),
        (("demo:pier", "rtsp://192.0.2.1/1"), 1.0),
        (("demo:pier", "simulated:slower=4"), 4.0),
        (("simulated:slower=143",), 10.0),
    ],
)
def test_only_a_site_that_is_simulated_slowly_is_asked_seldom(urls: tuple[str, ...], times: float) -> None:
    cameras = tuple(CameraConfig(name=f"camera-{at}", url=url) for at, url in enumerate(urls))
    assert seldom(SiteConfig(site="pier", cameras=cameras)) == times


def test_a_process_that_is_asked_seldom_is_not_taken_for_frozen_before_it_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "row_of", lambda _actor: {"State": "ALIVE"})
    one: Heartbeat[Any] = Heartbeat("pier/matcher", heartbeat.ask_matcher, slower=10.0)
    one.actor, one.heard = object(), Heard(MatcherSaid(), 100.0)
    assert not one.found_frozen(100.0 + 10 * FROZEN_S)
    assert one.found_frozen(100.1 + 10 * FROZEN_S)
