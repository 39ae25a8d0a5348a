"""A camera that nobody asks for any more ends by itself, decoder, chain and process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors import camera_actor, footage_worker, remote_matcher_and_models
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.camera_actor import AWAY_S, LEASE_S, CameraActor
from lfr_ray.actors.record_removals import MOST
from lfr_ray.actors.remote_matcher_and_models import RemoteStages
from lfr_ray.camera import fleet_lease
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.clock import FakeClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.health import ENDED


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_lease, "LOOK_S", 0.001)


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


class Waiting:
    """A run that has stopped, some of whose alerts the desk has not acknowledged."""

    removed: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.waiting, self.limits_s = 1, list[float | None]()
        self.said = CameraStatus("pier", "blind", None, 0, 0, 0, 0, 0, 640, 360, 10.0, 0.0, None, "demo:pier", "")

    async def stop(self, alerts_s: float | None = None) -> int:
        self.limits_s.append(alerts_s)
        return self.waiting

    def status(self) -> CameraStatus:
        return self.said


def test_a_camera_whose_alerts_wait_for_the_desk_stays_until_they_are_acknowledged_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(camera_actor, "LOOK_S", 0.001)

    async def scenario(*, acknowledged: bool) -> None:
        clock, left, run = FakeClock(), asyncio.Event(), Waiting()
        actor = camera(clock, left.set)
        actor._run = run  # type: ignore[assignment]
        await actor.hold()
        clock.advance(LEASE_S + 1)
        await some_looks()
        clock.advance(AWAY_S - 1)
        await some_looks()
        assert not left.is_set()
        assert not await actor.stop()
        assert run.limits_s[0] is None
        assert set(run.limits_s[1:]) == {0.0}, "who asks again is answered at once"
        assert (await actor.status()).digest == "", "the fleet ends it, also where it is wanted again meanwhile"
        if acknowledged:
            run.waiting = 0
        else:
            clock.advance(2)
        await asyncio.wait_for(left.wait(), 10)
        assert await actor.stop()

    for acknowledged in (True, False):
        asyncio.run(scenario(acknowledged=acknowledged))


class Desk:
    """Stages of which only the desk is asked; it answers from the second time on."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.told: list[int] = []

    async def record_removals(self, camera: str, run: str, told: int, sha256s: list[str]) -> bool:
        assert run
        self.asked.append([camera, *sha256s])
        self.told.append(told)
        return len(self.asked) > 1


def test_removals_that_the_desk_did_not_answer_for_are_sent_again() -> None:
    actor, desk = camera(FakeClock(), lambda: None), Desk()
    stages: Any = desk
    actor._run.removed.extend(f"{number:064x}" for number in range(MOST + 1))

    async def scenario() -> None:
        await actor._removals.record(None)
        await actor._removals.record(stages)
        await actor._removals.record(stages)

    asyncio.run(scenario())
    assert desk.asked[0] == desk.asked[1]
    assert desk.asked[1:] == [
        ["pier", *(f"{number:064x}" for number in range(MOST))],
        ["pier", f"{MOST:064x}"],
    ]
    assert desk.told == [0, 0, MOST]
    assert not actor._run.removed


def test_removals_are_told_once_however_often_the_fleet_asks_meanwhile() -> None:
    class Slow(Desk):
        async def record_removals(self, camera: str, run: str, told: int, sha256s: list[str]) -> bool:
            await super().record_removals(camera, run, told, sha256s)
            await asyncio.sleep(0)
            return True

    actor, desk = camera(FakeClock(), lambda: None), Slow()
    stages: Any = desk
    actor._run.removed.extend(f"{number:064x}" for number in range(2 * MOST))

    async def scenario() -> None:
        await asyncio.gather(*(actor._removals.record(stages) for _ in range(3)))

    asyncio.run(scenario())
    assert [name for asked in desk.asked for name in asked[1:]] == [f"{number:064x}" for number in range(2 * MOST)]
    assert desk.told == [0, MOST]


def test_a_recording_without_a_lease_stays() -> None:
    clock, left = FakeClock(), asyncio.Event()
    actor = camera(clock, left.set)

    async def scenario() -> None:
        assert await actor.ready()
        clock.advance(100 * LEASE_S)
        await some_looks()
        assert not left.is_set()

    asyncio.run(scenario())


class ReadRecording:
    """A run whose recording is at its end."""

    def __init__(self, like: CameraStatus) -> None:
        self.begun = 0
        self._status = replace(like, state=ENDED, seconds=3.0)

    def look(self, focus: object) -> None:
        pass

    def begin(self, stages: object) -> asyncio.Future[None]:
        self.begun += 1
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def status(self) -> CameraStatus:
        return self._status

    removed: tuple[str, ...] = ()


def test_a_recording_that_has_ended_is_not_read_again_by_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "pier.mp4"
    file.write_bytes(b"one")
    config = CameraConfig(name="pier", url=str(file))
    site, noted = SiteConfig(site="harbour", cameras=(config,)), dict[str, str]()

    def ended(name: str, digest: str) -> str:
        noted.update({name: digest} if digest else {})
        return noted.get(name, "")

    async def process(site: SiteConfig) -> tuple[int, str]:
        actor = CameraActor(site, config, FakeClock(), lambda: None, ended)
        actor._run = run = ReadRecording(actor._run.status())  # type: ignore[assignment]
        stages = RemoteStages(None, None, Handle(None), Handle(None))  # type: ignore[arg-type]
        await actor.renew(stages)
        return run.begun, (await actor.renew(stages)).state

    assert asyncio.run(process(site)) == (1, ENDED)
    os.utime(file, ns=(2, 2))
    assert asyncio.run(process(site)) == (0, ENDED), "also where a node has a copy of another date"
    another = site.model_copy(update={"site": "elsewhere"})
    assert asyncio.run(process(another)) == (1, ENDED), "that one is another's"
    file.write_bytes(b"another")
    os.utime(file, ns=(1, 1))
    assert asyncio.run(process(site)) == (1, ENDED), "another recording in its place"
    assert asyncio.run(process(site)) == (0, ENDED)
    noted |= dict.fromkeys(noted, "-")
    assert asyncio.run(process(site)) == (1, ENDED), "the site was ended and is started anew"


@pytest.mark.parametrize("question", ["match", "raise_alert"])
def test_a_question_to_a_process_that_never_answers_ends(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    class Never:
        @staticmethod
        def remote(*_: object) -> asyncio.Future[None]:
            return asyncio.get_running_loop().create_future()

    dead = Handle[Any](SimpleNamespace(match=Never, raise_alert=Never))
    monkeypatch.setattr(remote_matcher_and_models, "COMPARED_S", 0.01)
    monkeypatch.setattr(remote_matcher_and_models, "RAISED_S", 0.01)

    monkeypatch.setattr(footage_worker, "COMPARED_S", 0.01)
    monkeypatch.setattr(footage_worker, "RAISED_S", 0.01)
    models: Any = SimpleNamespace(detector=None, embedders=[None])

    async def asked(*, live: bool) -> None:
        stages = RemoteStages(dead, dead, dead, dead) if live else footage_worker._Stages(None, dead, dead, models, 1)
        await getattr(stages, question)([])

    for live in (True, False):
        with pytest.raises(ResourceError, match="does not answer"):
            asyncio.run(asyncio.wait_for(asked(live=live), 5))
