"""A frozen process is killed where it runs, and nothing else that has its number."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from lfr_ray.actors import kill_on_its_node as module
from lfr_ray.actors.kill_on_its_node import kill, kill_on_its_node


class Context:
    def get_node_id(self) -> str:
        return "here"


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(module, "kill", lambda pid: found.append(pid) or True)
    monkeypatch.setattr(module.ray, "get_runtime_context", Context)
    return found


def test_one_of_this_node_is_killed_here(killed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "row_of", lambda _: {"Address": {"NodeID": "here"}, "Pid": 7})
    kill_on_its_node(object())
    assert killed == [7]


def test_one_of_another_node_is_killed_there(killed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    node = "b" * 56
    sent: list[Any] = []

    class Task:
        def options(self, **options: Any) -> Task:
            sent.append(options)
            return self

        def remote(self, *arguments: Any) -> None:
            sent.append(arguments)

    monkeypatch.setattr(module, "row_of", lambda _: {"Address": {"NodeID": node}, "Pid": 7})
    monkeypatch.setattr(module.ray, "remote", lambda _function: Task())
    kill_on_its_node(object())
    options, arguments = sent
    assert (killed, arguments) == ([], (7,))
    assert (options["max_retries"], options["num_cpus"]) == (0, 0)
    assert (options["scheduling_strategy"].node_id, options["scheduling_strategy"].soft) == (node, False)


def test_only_a_process_of_ray_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(module.os, "kill", lambda *given: sent.append(given))
    assert not kill(os.getpid()), "this one is pytest's"
    monkeypatch.setattr(module.Path, "read_bytes", lambda _path: b"ray::CameraActor")
    assert kill(os.getpid())
    assert sent == [(os.getpid(), signal.SIGKILL)]


def test_one_that_is_gone_is_no_error() -> None:
    assert not kill(2**22 + 1), "more than Linux gives out"
