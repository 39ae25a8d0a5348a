"""While a fleet waits for models, the cameras that run are held again and again, also where a round fails."""

from __future__ import annotations

import asyncio

import pytest

from lfr_ray.actors import fleet_rounds
from lfr_ray.actors.fleet_rounds import AGAIN_S, make_and_hold, until_done
from lfr_ray.actors.remote_matcher_and_models import CameraCalls
from lfr_ray.clock import FakeClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.errors import ResourceError
from tests.unit.pipeline.conftest import VirtualLoop, until


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


@pytest.mark.parametrize(("again", "tries"), [(False, 1), (True, 4)])
def test_only_a_site_that_has_run_before_waits_for_what_is_missing(again: bool, tries: int) -> None:
    """A new one says what is wrong; one whose head was lost must not be given up."""
    clock, tried, told = FakeClock(), list[float](), list[str]()

    async def open_all() -> None:
        tried.append(clock.steady_s())
        if len(tried) < 3:
            raise ResourceError("no replica of the detector became ready", next_step="add nodes")
        if len(tried) < 4:
            raise ConnectionError("the database is away")

    loop = VirtualLoop(clock)
    try:
        if again:
            loop.run_until_complete(until_done(open_all, told.append, again=True))
        else:
            with pytest.raises(ResourceError):
                loop.run_until_complete(until_done(open_all, told.append, again=False))
    finally:
        loop.close()
    assert len(tried) == tries
    assert [one[:30] for one in told] == (
        ["no replica of the detector bec"] * 2 + ["ConnectionError", "-"] if again else []
    )
    assert tried == pytest.approx([tried[0] + AGAIN_S * number for number in range(tries)])
