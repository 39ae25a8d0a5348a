"""Who may call an actor that holds faces: the processes of its own site."""

from __future__ import annotations

import asyncio
import inspect
import os
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.actors.caller_secret import Door, capability_of, guarded, sha256_of
from lfr_ray.actors.camera_actor import CameraActor
from lfr_ray.actors.desk_actor import DeskActor
from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.actors.matcher_replica import MatcherReplica
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import RefusedError


class Kept:
    """Keeps something, and notes who asked in vain."""

    def __init__(self, what: str) -> None:
        self.what, self.strangers = what, []  # type: tuple[str, list[str]]

    def tell_stranger(self, method: str) -> None:
        self.strangers.append(method)

    def shown(self, times: int, *, end: str = "") -> str:
        return self._secret() * times + end

    async def later(self) -> str:
        return self.what

    def _secret(self) -> str:
        return self.what


def made(capability: str = "right") -> Any:
    return guarded(Kept)(sha256_of(capability), "face")


def test_who_shows_it_is_answered_as_before() -> None:
    actor = made()
    assert actor.shown("right", 2, end="!") == "faceface!"
    assert asyncio.run(actor.later("right")) == "face"


@pytest.mark.parametrize("shown", [(), ("",), (None,), ("wrong",), (b"right",), (sha256_of("right"),)])
def test_nobody_else_is(shown: tuple[Any, ...]) -> None:
    actor = made()
    with pytest.raises(RefusedError, match="shown without") as caught:
        actor.shown(*shown)
    assert "right" not in str(caught.value)
    with pytest.raises(RefusedError):
        asyncio.run(actor.later(*shown))


def test_a_refusal_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    now = [100.0]
    monkeypatch.setattr("lfr_ray.actors.caller_secret.time.monotonic", lambda: now[0])
    door = Door(sha256_of("right"), told.append)
    for method, at_s in [("list", 100.0), ("image", 101.0), ("halt", 161.0)]:
        now[0] = at_s
        with pytest.raises(RefusedError):
            door.check("wrong", method)
    assert told == ["list", "halt"]


@pytest.mark.parametrize("kind", [CameraActor, DeskActor, MatcherActor, MatcherReplica])
def test_nothing_private_can_be_called_and_ray_adds_nothing(kind: type) -> None:
    actor = guarded(kind)
    methods = {name for name, _ in inspect.getmembers(actor, inspect.isfunction)}
    assert {name for name in methods if name.startswith("_")} == {"__init__"}
    assert methods >= {"tell_stranger"} | {name for name in vars(kind) if not name.startswith("_")}


def test_it_begins_once() -> None:
    actor = made()
    with pytest.raises(RefusedError, match="begun already"):
        actor.__init__(sha256_of("mine"), "nobody")
    assert actor.shown("right", 1) == "face"


def test_the_secret_is_made_once_and_is_its_owner_s(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "site")
    one = capability_of(folder)
    assert len(one) == 64
    assert capability_of(folder) == one != capability_of(DataDir(tmp_path / "other"))
    assert os.stat(folder.capability).st_mode & 0o777 == 0o600
    assert folder.root.stat().st_mode & 0o777 == 0o700
