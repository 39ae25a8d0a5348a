"""While a fleet waits for models, the cameras that run are held again and again, also where a round fails."""

from __future__ import annotations

import asyncio

import pytest

from lfr_ray.actors import fleet_rounds
from lfr_ray.actors.fleet_rounds import make_and_hold
from lfr_ray.actors.remote_matcher_and_models import CameraCalls
from lfr_ray.config import CameraConfig, SiteConfig
from tests.unit.pipeline.conftest import until


def test_cameras_are_held_until_the_keeping_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Camera:
        def __init__(self, _site: SiteConfig, camera: CameraConfig) -> None:
            self._name = camera.name

        def ask(self, method: object) -> None:
            assert method is CameraCalls.hold
            asked.append(self._name)
            if len(asked) == 1:
                raise ConnectionError("the head is away")

    monkeypatch.setattr(fleet_rounds, "HOLD_S", 0.0)
    monkeypatch.setattr(fleet_rounds, "camera_actor", Camera)
    for name in ("desk_actor", "matcher_actor"):
        monkeypatch.setattr(fleet_rounds, name, lambda _site, name=name: asked.append(name))
    site = SiteConfig(site="pier", cameras=(CameraConfig(name="gate", url="demo:gate"),))

    async def scenario() -> None:
        holding = asyncio.create_task(make_and_hold(site))
        await until(lambda: asked.count("gate") >= 3)
        holding.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 10))
    assert asked[:4] == ["gate", "gate", "desk_actor", "matcher_actor"]
