"""A process is found frozen once, then has twice as long, and the usual time again after it has answered for long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.actors import health_watch, heartbeat
from lfr_ray.actors.actor_names import DETECTOR, EMBEDDER
from lfr_ray.actors.health_watch import SiteWatch
from lfr_ray.actors.heartbeat import ABSENT_EVERY_S, CALM_S, EVERY_S, FROZEN_S, Heartbeat
from lfr_ray.clock import FakeClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.health import Heard, MatcherSaid
from tests.unit.pipeline.conftest import VirtualLoop


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


def test_what_ray_has_started_anew_is_given_time_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its node was lost, so the answer that it gave last is old when it is there again."""
    row, now_at = {"State": "RESTARTING", "Timestamp": 0.0}, [1000.0]
    monkeypatch.setattr(heartbeat, "row_of", lambda _actor: row)
    monkeypatch.setattr(heartbeat.time, "time", lambda: now_at[0])
    one: Heartbeat[Any] = Heartbeat("pier/camera/gate", heartbeat.ask_camera)
    one.actor, one.heard = object(), Heard(MatcherSaid(), 100.0)
    assert not one.found_frozen(110.0)
    row |= {"State": "ALIVE", "Timestamp": 1000.0 * 1000}
    assert not one.found_frozen(110.0)
    now_at[0] += FROZEN_S + 0.1
    assert one.found_frozen(110.0 + FROZEN_S)
    assert not one.found_frozen(111.0 + FROZEN_S), "said once"
    row["Timestamp"] = now_at[0] * 1000  # the next one is frozen before it has answered at all
    now_at[0] += 2 * FROZEN_S + 0.1
    assert one.found_frozen(112.0 + 3 * FROZEN_S)
    row["Timestamp"] = (now_at[0] + 3600.0) * 1000  # the clock was an hour fast
    assert one.found_frozen(113.0 + 8 * FROZEN_S)


@pytest.mark.parametrize(
    ("urls", "times"),
    [
        ((), 1.0),
        (("demo:pier", "rtsp://192.0.2.1/1"), 1.0),
        (("demo:pier", "simulated:slower=4"), 4.0),
        (("simulated:slower=143",), 10.0),
    ],
)
def test_only_a_site_that_is_simulated_slowly_is_asked_seldom(
    urls: tuple[str, ...], times: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "row_of", lambda _actor: {"State": "ALIVE"})
    cameras = tuple(CameraConfig(name=f"camera-{at}", url=url) for at, url in enumerate(urls))
    monkeypatch.setattr(heartbeat, "find_actor", lambda *_: None)
    monkeypatch.setattr(health_watch, "replicas", lambda _application: {DETECTOR: {"detector#1"}})
    watch = SiteWatch(SiteConfig(site="pier", data_dir=tmp_path, cameras=cameras), "lfr")

    async def scenario() -> None:
        following = asyncio.create_task(watch._follow_replicas())
        while not watch.replicas[DETECTOR]:  # noqa: ASYNC110  (the watch tells nobody)
            await asyncio.sleep(0.001)
        following.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    for one in (watch.matcher, watch.desk, *watch.cameras.values(), *watch.replicas[DETECTOR].values()):
        one.actor, one.heard = object(), Heard(MatcherSaid(), 100.0)
        assert not one.found_frozen(100.0 + times * FROZEN_S)
        assert one.found_frozen(100.1 + times * FROZEN_S)


def followed(one: Heartbeat[Any], clock: FakeClock, seconds: float) -> None:
    """Follow a process for so long."""

    async def scenario() -> None:
        asking = asyncio.create_task(one.run())
        await asyncio.sleep(seconds)
        asking.cancel()

    loop = VirtualLoop(clock)
    loop.run_until_complete(scenario())
    loop.close()


@pytest.mark.parametrize("slower", [1.0, 10.0])
def test_each_process_is_asked_so_often(slower: float) -> None:
    clock, asked_s = FakeClock(), list[float]()

    async def ask(_actor: object) -> MatcherSaid:
        asked_s.append(clock.steady_s())
        return MatcherSaid()

    one: Heartbeat[Any] = Heartbeat("pier/matcher", ask, slower=slower)
    one.actor = object()

    followed(one, clock, 3.2 * EVERY_S * slower)
    assert np.diff(asked_s) == pytest.approx([EVERY_S * slower] * 3)


@pytest.mark.parametrize("slower", [1.0, 10.0])
def test_one_that_is_gone_is_looked_for_sooner(slower: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looked_s = FakeClock(), list[float]()
    monkeypatch.setattr(heartbeat, "find_actor", lambda *_: looked_s.append(clock.steady_s()))

    async def here(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(heartbeat.asyncio, "to_thread", here)
    one: Heartbeat[Any] = Heartbeat("pier/matcher", heartbeat.ask_matcher, slower=slower)

    followed(one, clock, 3.2 * ABSENT_EVERY_S * slower)
    assert np.diff(looked_s) == pytest.approx([ABSENT_EVERY_S * slower] * 3)
    assert one.heard.died


def test_a_process_that_is_asked_seldom_is_not_taken_for_frozen_before_it_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "row_of", lambda _actor: {"State": "ALIVE"})
    one: Heartbeat[Any] = Heartbeat("pier/matcher", heartbeat.ask_matcher, slower=10.0)
    one.actor, one.heard = object(), Heard(MatcherSaid(), 100.0)
    assert not one.found_frozen(100.0 + 10 * FROZEN_S)
    assert one.found_frozen(100.1 + 10 * FROZEN_S)


def test_one_that_is_frozen_is_killed_while_most_others_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most silent, or a look that comes late: then it is the machine that is slow."""
    now_s, killed = [1000.0], list[object]()
    monkeypatch.setattr(health_watch.time, "monotonic", lambda: now_s[0])
    monkeypatch.setattr(heartbeat, "row_of", lambda _actor: {"State": "ALIVE"})
    monkeypatch.setattr(health_watch, "kill_on_its_node", killed.append)
    cameras = tuple(CameraConfig(name=name, url=f"demo:{name}") for name in ("gate", "pier"))
    watch = SiteWatch(SiteConfig(site="s", data_dir=tmp_path, cameras=cameras, detector={"replicas": 3}), "lfr")
    parts: list[Heartbeat[Any]] = [*watch.cameras.values(), watch.matcher, watch.desk]
    frozen, *others = parts
    for one in parts:
        one.actor, one.heard = object(), Heard(MatcherSaid(), now_s[0])
    now_s[0] += FROZEN_S + 0.1
    watch.end_frozen()  # late
    assert killed == []
    watch.end_frozen()  # all are silent
    assert killed == []
    for one in others:
        one.heard = Heard(MatcherSaid(), now_s[0])
    watch.end_frozen(only="matcher")
    assert killed == []
    watch.end_frozen()
    watch.end_frozen()
    assert killed == [frozen.actor]
    assert watch.heard().least == {DETECTOR: 3, EMBEDDER: 1}
