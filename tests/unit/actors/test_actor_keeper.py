"""The keeper of a site's actors: how soon it looks again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors import actor_keeper
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import SOON_S, TICK_S, Keeper
from lfr_ray.config import CameraConfig, SiteConfig

SITE = SiteConfig(site="pier", cameras=tuple(CameraConfig(name=name, url=f"demo:{name}") for name in ("pier", "gate")))


class Camera:
    def __init__(self, *, starting: bool) -> None:
        self._starting = starting

    def ask(self, *_asked: object) -> Camera:
        return self

    async def within(self, _limit_s: float) -> Any:
        return None if self._starting else SimpleNamespace(digest="newest", node="n1")


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Keeper:
    async def nothing(*_asked: object) -> None:
        pass

    nobody = Handle[Any](None)
    keeper = Keeper.__new__(Keeper)
    keeper._site, keeper._models, keeper._nodes, keeper.focus = SITE, (nobody, nobody, None), {}, {}
    keeper.matcher = keeper.desk = nobody
    keeper._replicas = SimpleNamespace(answering={}, tick=nothing)  # type: ignore[assignment]
    monkeypatch.setattr(keeper, "keep_desk_and_matcher", nothing)
    names = SimpleNamespace(listed_cameras=set)
    monkeypatch.setattr(actor_keeper, "Names", SimpleNamespace(of=lambda _site: names))
    monkeypatch.setattr(actor_keeper, "digest_of", lambda *_of: "newest")
    return keeper


def test_a_camera_that_is_being_started_is_asked_again_soon(monkeypatch: pytest.MonkeyPatch, keeper: Keeper) -> None:
    starting = {"gate"}
    monkeypatch.setattr(actor_keeper, "camera_actor", lambda _site, one: Camera(starting=one.name in starting))
    asyncio.run(keeper.tick())
    assert keeper.every_s == SOON_S
    assert keeper.cameras.keys() == {"pier", "gate"}
    starting.clear()
    asyncio.run(keeper.tick())
    assert keeper.every_s == TICK_S


def test_where_no_camera_may_look_nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch, keeper: Keeper) -> None:
    monkeypatch.setattr(actor_keeper, "camera_actor", lambda *_of: Camera(starting=True))
    asyncio.run(keeper.tick())
    assert keeper.every_s == SOON_S
    asyncio.run(keeper.tick("the network is not encrypted"))
    assert keeper.every_s == TICK_S
    assert not keeper.cameras
