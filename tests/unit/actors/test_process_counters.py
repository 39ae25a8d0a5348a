"""Every process of a model is counted, however many there are, and one that is silent stands as it was for a while."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors import process_counters
from lfr_ray.actors.process_counters import REMEMBERED_S, Counted
from lfr_ray.metrics import Snapshot, memory_of


class Reply:
    def __init__(self, said: Snapshot | None) -> None:
        self._said = said

    async def within(self, _limit_s: float) -> Snapshot | None:
        return self._said


class Processes:
    """Some processes behind one handle, asked in turn; those that are named answer."""

    def __init__(self, kind: str, names: str) -> None:
        self.kind, self.names, self.silent, self._asked = kind, names, "", 0

    def ask(self, _method: object) -> Any:
        name = self.names[self._asked % len(self.names)]
        self._asked += 1
        return Reply(None if name in self.silent else memory_of(f"{self.kind} {name}"))


def counted(here: Counted) -> list[str]:
    return sorted(dict(labels)["process"] for one in asyncio.run(here.snapshots()) for (_, labels) in one.values)


def test_every_process_is_counted_and_a_silent_one_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(process_counters.time, "monotonic", lambda: now_s)
    detector, embedder = Processes("detector", "abc"), Processes("embedder", "d")
    keeper: Any = SimpleNamespace(
        cameras={"pier": Processes("camera", "p")},
        matcher=Processes("matcher", "m"),
        desk=Processes("desk", "k"),
        replicas=[Processes("replica", "r")],
    )
    models: Any = {"detector": detector, "embedder": embedder}
    here = Counted(keeper, models, {"detector": detector.names, "embedder": embedder.names})
    all_of_them = [
        "camera p",
        "desk k",
        "detector a",
        "detector b",
        "detector c",
        "embedder d",
        "matcher m",
        "replica r",
    ]
    assert counted(here) == all_of_them
    detector.silent = "b"
    now_s = REMEMBERED_S - 1
    assert counted(here) == all_of_them
    now_s = REMEMBERED_S + 1
    assert counted(here) == [one for one in all_of_them if one != "detector b"]
