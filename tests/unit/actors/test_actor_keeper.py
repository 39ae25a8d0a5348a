"""The keeper of a site's actors: how soon a camera is asked again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors import actor_keeper
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.config import CameraConfig, SiteConfig

SITE = SiteConfig(site="pier", cameras=tuple(CameraConfig(name=name, url=f"demo:{name}") for name in ("pier", "gate")))

STATUS = SimpleNamespace(digest="newest", node="n1")


class Camera:
    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.asked = 0

    def ask(self, *_asked: object) -> Camera:
        self.asked += 1
        return self

    async def within(self, _limit_s: float) -> Any:
        return self._answers.pop(0) if self._answers else None


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


def test_a_camera_that_is_started_anew_is_asked_again_soon_and_no_other_is(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper
) -> None:
    monkeypatch.setattr(actor_keeper, "SOON_S", 0.0)
    well, starting = Camera(STATUS), Camera(None, None, STATUS)
    monkeypatch.setattr(actor_keeper, "camera_actor", lambda _site, one: {"pier": well, "gate": starting}[one.name])
    asyncio.run(keeper.tick())
    assert (well.asked, starting.asked) == (1, 3)
    assert keeper.cameras.keys() == {"pier", "gate"}


def test_a_camera_without_an_answer_is_waited_for_no_longer_than_a_look(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper
) -> None:
    monkeypatch.setattr(actor_keeper, "SOON_S", 0.005)
    monkeypatch.setattr(actor_keeper, "ANSWER_S", 0.02)
    silent = Camera()
    monkeypatch.setattr(actor_keeper, "camera_actor", lambda *_of: silent)
    asyncio.run(asyncio.wait_for(keeper.tick(), 10))
    assert 2 <= silent.asked <= 2 * 5
    assert keeper.cameras.keys() == {"pier", "gate"}
