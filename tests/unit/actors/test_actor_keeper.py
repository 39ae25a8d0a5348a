"""A camera that answers is not looked for again; one that is silent is, each time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors import actor_keeper
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.config import CameraConfig, SiteConfig

CAMERA = CameraConfig(name="pier", url="demo:pier")
SITE = SiteConfig(site="pier", cameras=(CAMERA,))


class FakeCamera:
    """A camera's actor that answers with these states, one after the other; None: with nothing."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)

    def ask(self, *_: Any) -> FakeCamera:
        return self

    async def within(self, limit_s: float) -> SimpleNamespace | None:
        digest = self._answers.pop(0)
        return None if digest is None else SimpleNamespace(digest=digest, node="one")


def keeper_of(monkeypatch: pytest.MonkeyPatch, *made: FakeCamera) -> tuple[Any, list[str]]:
    """A keeper without the rest of a site, and when it looked for its camera."""
    keeper: Any = Keeper.__new__(Keeper)
    keeper._site, keeper._models, keeper.focus = SITE, (None, None, None), {}
    keeper.matcher = keeper.desk = SimpleNamespace(limited=lambda *_, **__: None)
    keeper._replicas, keeper._nodes, keeper._answered = SimpleNamespace(answering={}), {}, {}
    looked: list[str] = []

    def found(_: SiteConfig, camera: CameraConfig) -> FakeCamera:
        looked.append(camera.name)
        return made[len(looked) - 1]

    monkeypatch.setattr(actor_keeper, "camera_actor", found)
    return keeper, looked


def test_who_answers_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    well = digest_of(SITE, CAMERA)
    first, second = FakeCamera(well, well, well, None), FakeCamera(well, well)
    keeper, looked = keeper_of(monkeypatch, first, second)
    kept = [asyncio.run(keeper._kept(CAMERA)) for _ in range(6)]
    assert kept == [first, first, first, first, second, second]
    assert looked == ["pier", "pier"], "at the start, and after the silence"


def test_a_camera_of_an_earlier_configuration_ends_and_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    well, ended = digest_of(SITE, CAMERA), []

    async def end_camera(_: SiteConfig, name: str, actor: FakeCamera) -> None:
        ended.append(actor)

    monkeypatch.setattr(actor_keeper, "end_camera", end_camera)
    first, second = FakeCamera(well, "another"), FakeCamera(well)
    keeper, _ = keeper_of(monkeypatch, first, second)
    kept = [asyncio.run(keeper._kept(CAMERA)) for _ in range(3)]
    assert kept == [first, None, second]
    assert ended == [first]
