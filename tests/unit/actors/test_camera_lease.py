"""A camera that nobody asks for any more ends by itself, decoder, chain and process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lfr_ray.actors.camera import LEASE_S, REMOVALS, CameraActor
from lfr_ray.camera import lease
from lfr_ray.clock import FakeClock
from lfr_ray.config import CameraConfig, SiteConfig


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOOK_S", 0.001)


async def some_looks() -> None:
    for _ in range(50):
        await asyncio.sleep(0.002)


def camera(clock: FakeClock, leave: Callable[[], None]) -> CameraActor:
    config = CameraConfig(name="pier", url="demo:pier", on_end="loop")
    return CameraActor(SiteConfig(site="harbour", cameras=(config,)), config, clock, leave)


def test_a_camera_whose_lease_is_renewed_stays_and_one_that_is_forgotten_leaves() -> None:
    clock, left = FakeClock(), asyncio.Event()
    actor = camera(clock, left.set)

    async def scenario() -> None:
        for _ in range(3):
            await actor.hold()
            clock.advance(LEASE_S - 1)
            await some_looks()
            assert not left.is_set()
        clock.advance(2)
        await asyncio.wait_for(left.wait(), 10)
        assert actor._run._reader.mailbox.ended
        assert (await actor.status()).state != "live"

    asyncio.run(scenario())


class Desk:
    """Stages of which only the desk is asked; it answers from the second time on."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def record_removals(self, camera: str, sha256s: list[str]) -> bool:
        self.asked.append([camera, *sha256s])
        return len(self.asked) > 1


def test_removals_that_the_desk_did_not_answer_for_are_sent_again() -> None:
    actor, desk = camera(FakeClock(), lambda: None), Desk()
    actor._stages = desk  # type: ignore[assignment]
    actor._run.removed.extend(f"{number:064x}" for number in range(REMOVALS + 1))

    async def scenario() -> None:
        await actor._record_removals()
        await actor._record_removals()

    asyncio.run(scenario())
    assert desk.asked[0] == desk.asked[1]
    assert desk.asked[1:] == [
        ["pier", *(f"{number:064x}" for number in range(REMOVALS))],
        ["pier", f"{REMOVALS:064x}"],
    ]
    assert not actor._run.removed


def test_a_recording_without_a_lease_stays() -> None:
    clock, left = FakeClock(), asyncio.Event()
    actor = camera(clock, left.set)

    async def scenario() -> None:
        assert await actor.ready()
        clock.advance(100 * LEASE_S)
        await some_looks()
        assert not left.is_set()

    asyncio.run(scenario())
