"""What a replica's silence means for the proof of an erasure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import ray

from lfr_ray.actors import node_leftover_scan
from lfr_ray.actors.actor_names import Names


@pytest.mark.parametrize(
    ("answer", "dropped"),
    [
        (True, True),
        (ray.exceptions.ActorDiedError(), True),
        (ray.exceptions.ActorUnavailableError("the network is away", None), False),
        (ray.exceptions.GetTimeoutError("late"), False),
        (ray.exceptions.RayTaskError("forget", "trace", ValueError()), False),
    ],
)
def test_only_who_answered_or_died_holds_no_list(monkeypatch: pytest.MonkeyPatch, answer: Any, dropped: bool) -> None:
    def get(pending: object, timeout: float) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(node_leftover_scan, "ray", SimpleNamespace(get=get, exceptions=ray.exceptions))
    reply: Any = SimpleNamespace(pending=object())
    assert node_leftover_scan._dropped(reply, 1.0) is dropped


def test_replicas_are_found_by_a_command_that_does_not_know_the_sites_name(monkeypatch: pytest.MonkeyPatch) -> None:
    running = ["pier/matcher", "pier/camera/gate", "pier/replica/n1"]
    monkeypatch.setattr("lfr_ray.actors.actor_names._listed", lambda: running)
    monkeypatch.setattr(Names, "_handle", lambda self, name: name)
    assert Names("site").find_replicas() == {"n1": "pier/replica/n1"}
