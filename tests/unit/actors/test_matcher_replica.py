"""A replica's process without its matcher: it answers nothing, and keeps no list that nobody could tell it to drop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lfr_ray.actors import matcher_replica
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.matcher_replica import LOST_S, PERMIT_S, MatcherReplica
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.match.permission import Permit
from lfr_ray.records import Answer, Probe

PROBE = Probe("gate", 1, 0.0, "m1", np.zeros((1, 4), np.float32), np.ones(1, np.float32))
NOBODY = Answer(deployment="d1")


class Method:
    """Stands for a method of Ray's own handle."""

    def __init__(self, answer: Callable[..., Any]) -> None:
        self.asked: list[Any] = []
        self._answer = answer

    def remote(self, *arguments: Any) -> asyncio.Future[Any]:
        self.asked.append(arguments)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        found = self._answer(*arguments)
        future.set_exception(found) if isinstance(found, Exception) else future.set_result(found)
        return future


class Processes:
    """The matcher and the desk."""

    def __init__(self, permit: Callable[..., Any]) -> None:
        self.permit = Method(permit)
        self.record_stranger = Method(lambda *_: True)


class HeldList:
    """A list of one version, on which nobody is."""

    version, model = "v1", "m1"

    def forget(self) -> None:
        self.version = self.model = ""

    def answers(self, probes: list[Probe], permit: Permit) -> list[Answer | None]:
        return [NOBODY if permit.version == self.version else None for _ in probes]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moments = [100.0]
    monkeypatch.setattr(matcher_replica, "time", SimpleNamespace(monotonic=lambda: moments[0]))  # not the event loop's
    monkeypatch.setattr(matcher_replica, "LOOK_S", 0.001)
    return moments


def asked(tmp_path: Path, permit: Callable[..., Any], scenario: Callable[[MatcherReplica], Any]) -> Processes:
    """What a scenario makes of a replica that holds a list."""
    processes = Processes(permit)

    async def run() -> None:
        replica = MatcherReplica(SiteConfig(site="pier", data_dir=tmp_path), "192.0.2.7/abc")
        replica._list = HeldList()  # type: ignore[assignment]
        await replica.keep(Handle(processes), Handle(processes))
        await scenario(replica)
        replica._list.version = replica._list.version or "v2"
        await replica.forget()
        assert replica._list.version == "", "a closing proves its erasure by this"

    asyncio.run(run())
    return processes


def permitted(probes: list[Probe], node: str, version: str) -> Permit:
    assert all(not one.vectors.size for one in probes), "no vector travels"
    return Permit([""] * len(probes), "v1", 0.0)


def test_what_took_too_long_is_not_answered(tmp_path: Path, now: list[float]) -> None:
    def slow(*arguments: Any) -> Permit:
        now[0] += PERMIT_S * bool(arguments[0])
        return permitted(*arguments)

    async def scenario(replica: MatcherReplica) -> None:
        assert await replica.match([PROBE]) == [None]

    asked(tmp_path, slow, scenario)

    async def in_time(replica: MatcherReplica) -> None:
        assert await replica.match([PROBE]) == [NOBODY]

    asked(tmp_path, permitted, in_time)


def test_without_the_matcher_nothing_is_answered_and_the_list_is_dropped(tmp_path: Path, now: list[float]) -> None:
    away = [False]

    def permit(*arguments: Any) -> Any:
        return ResourceError("a process of the site has died") if away[0] else permitted(*arguments)

    async def scenario(replica: MatcherReplica) -> None:
        assert await replica.match([PROBE]) == [NOBODY]
        away[0] = True
        assert await replica.match([PROBE]) == [None]
        now[0] += LOST_S - 1
        await asyncio.sleep(0.02)
        assert replica._list.version == "v1"
        now[0] += 2
        await asyncio.sleep(0.02)
        assert replica._list.version == ""

    asked(tmp_path, permit, scenario)


def test_a_stranger_is_put_on_record(tmp_path: Path, now: list[float]) -> None:
    async def scenario(replica: MatcherReplica) -> None:
        replica.tell_stranger("match")
        for _ in range(2):
            await replica.keep(Handle(processes := Processes(permitted)), Handle(processes))
            told.extend(processes.record_stranger.asked)

    told: list[Any] = []
    asked(tmp_path, permitted, scenario)
    assert told == [("matcher replica 192.0.2.7/abc", "match")]
