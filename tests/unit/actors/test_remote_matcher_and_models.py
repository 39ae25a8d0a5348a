"""Whom a camera asks for a comparison: the replica of its own node, and for what that leaves the matcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import ray

from lfr_ray.actors import remote_matcher_and_models
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.remote_matcher_and_models import RemoteStages
from lfr_ray.errors import ConfigError, StoreError
from lfr_ray.records import Answer, Probe

SOMEBODY, NOBODY = Answer(deployment="of the matcher"), Answer(deployment="of the replica")
PROBES = [
    Probe(camera, 1, 0.0, "m1", np.zeros((0, 0), np.float32), np.zeros(0, np.float32)) for camera in ("a", "b", "c")
]


class Asked:
    """Stands for Ray's own handle; it remembers of which cameras it was asked."""

    def __init__(self, answer: Callable[[list[Probe]], Any]) -> None:
        self.cameras: list[str] = []
        outer = self

        class Method:
            def remote(self, probes: list[Probe]) -> asyncio.Future[Any]:
                outer.cameras += [one.camera for one in probes]
                future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                if (found := answer(probes)) is None:
                    return future
                future.set_exception(found) if isinstance(found, Exception) else future.set_result(found)
                return future

        self.match = Method()


def answered(near: Callable[[list[Probe]], Any]) -> tuple[list[Answer], list[str]]:
    """What a camera is told, and of which cameras the matcher was asked."""
    matcher = Asked(lambda probes: [SOMEBODY] * len(probes))

    async def scenario() -> list[Answer]:
        nothing: Any = None
        stages = RemoteStages(nothing, nothing, Handle(matcher), Handle(nothing), near=Handle(Asked(near)))
        return await stages.match(PROBES)

    return asyncio.run(scenario()), matcher.cameras


def test_only_what_the_replica_leaves_reaches_the_matcher() -> None:
    assert answered(lambda probes: [NOBODY, None, NOBODY]) == ([NOBODY, SOMEBODY, NOBODY], ["b"])
    assert answered(lambda probes: [NOBODY] * 3) == ([NOBODY] * 3, [])


@pytest.mark.parametrize("fate", [None, ray.exceptions.ActorDiedError(), ConfigError("no threshold for so few")])
def test_a_replica_that_is_gone_or_silent_leaves_all_to_the_matcher(fate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_matcher_and_models, "NEAR_S", 0.01)
    assert answered(lambda probes: fate) == ([SOMEBODY] * 3, ["a", "b", "c"])


def test_the_replica_that_the_fleet_names_lately_is_asked() -> None:
    matcher, near = Asked(lambda probes: [SOMEBODY] * len(probes)), Asked(lambda probes: [NOBODY] * len(probes))
    nothing: Any = None

    async def scenario() -> list[list[Answer]]:
        stages = RemoteStages(nothing, nothing, Handle(matcher), Handle(nothing))
        found = [await stages.match(PROBES)]
        stages.follow(RemoteStages(nothing, nothing, Handle(matcher), Handle(nothing), near=Handle(near)))
        return [*found, await stages.match(PROBES)]

    assert asyncio.run(scenario()) == [[SOMEBODY] * 3, [NOBODY] * 3]


@pytest.mark.parametrize(("said", "recorded"), [(True, True), (StoreError("the disk is full", next_step="-"), False)])
def test_a_desk_that_could_not_record_is_asked_again_and_ends_nothing(said: Any, recorded: bool) -> None:
    class Desk:
        class record_removals:
            @staticmethod
            def remote(*_: object) -> asyncio.Future[Any]:
                future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                future.set_exception(said) if isinstance(said, Exception) else future.set_result(said)
                return future

        record_stranger = record_removals

    async def scenario() -> list[bool]:
        nothing: Any = None
        stages = RemoteStages(nothing, nothing, Handle(nothing), Handle(Desk))
        removals = await stages.record_removals("gate", "run-1", 0, ["0" * 64])
        return [removals, await stages.record_stranger("gate", "match")]

    assert asyncio.run(scenario()) == [recorded, recorded]
