"""A camera with another configuration ends once the desk has its alerts; one that does not answer ends at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lfr_ray.actors import replace_actors
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.actors.replace_actors import end_camera
from lfr_ray.config import SiteConfig


class Camera:
    def __init__(self, *, acknowledged: bool | None) -> None:
        self._acknowledged = acknowledged
        self.killed, self.remote = False, object()

    def ask(self, _method: object) -> Camera:
        return self

    async def within(self, _limit_s: float) -> bool | None:
        return self._acknowledged

    def kill(self) -> None:
        self.killed = True


@pytest.mark.parametrize(
    ("acknowledged", "state", "killed"),
    [
        (True, "ALIVE", True),
        (False, "ALIVE", False),
        (None, "ALIVE", True),  # also the second time: frozen
        (None, "RESTARTING", True),
        (None, "PENDING_CREATION", True),
    ],
)
def test_a_camera_whose_alerts_wait_lives_on(
    monkeypatch: pytest.MonkeyPatch, *, acknowledged: bool | None, state: str, killed: bool
) -> None:
    monkeypatch.setattr(replace_actors, "row_of", lambda _actor: {"State": state})
    monkeypatch.setattr(replace_actors, "find_actor", lambda _name: None)
    camera: Any = Camera(acknowledged=acknowledged)
    asyncio.run(end_camera(SiteConfig(site="pier"), "gate", camera))
    assert camera.killed is killed


@pytest.mark.parametrize(("then", "killed"), [(True, True), (False, False)])
def test_a_camera_that_is_late_is_asked_again(monkeypatch: pytest.MonkeyPatch, *, then: bool, killed: bool) -> None:
    class Late(Camera):
        async def within(self, _limit_s: float) -> bool | None:
            found, self._acknowledged = self._acknowledged, then
            return found

    monkeypatch.setattr(replace_actors, "row_of", lambda _actor: {"State": "ALIVE"})
    monkeypatch.setattr(replace_actors, "find_actor", lambda _name: None)
    camera: Any = Late(acknowledged=None)
    asyncio.run(end_camera(SiteConfig(site="pier"), "gate", camera))
    assert camera.killed is killed


def test_a_camera_that_is_not_wanted_sends_its_alerts_to_the_desk_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replace_actors, "find_actor", lambda _name: None)
    asked: list[str] = []

    class Asked(Camera):
        def ask(self, method: Any, *_: object) -> Asked:
            asked.append(method.__name__)
            return self

    keeper, nobody = Keeper.__new__(Keeper), Handle[Any](None)
    keeper._site, keeper._models = SiteConfig(site="pier"), (nobody, nobody, None)
    keeper.matcher = keeper.desk = nobody
    camera: Any = Asked(acknowledged=True)
    asyncio.run(keeper._end("gate", camera))
    assert asked == ["follow", "stop"]
    assert camera.killed
