"""A node of Ray that did not come up in Ray's own time is ended and started once more; any other error stays."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field

import pytest
from ray._private import node as ray_node

from lfr_ray.actors.second_start import GAVE_UP, second_start
from lfr_ray.errors import ResourceError

RAYS_WORDS = f"The current node {GAVE_UP}. This could happen because some of the raylet failed to startup"


@dataclass
class Params:
    ports: list[int] = field(default_factory=list)


class Slow:
    """Starts as Ray's nodes do: it notes a port in what it was given, and gives up where a word is left for it."""

    said: list[str]
    happened: list[str]

    def __init__(self, ray_params: Params, *, head: bool) -> None:
        assert head
        ray_params.ports.append(6379)
        self.happened.append(f"started on {ray_params.ports}")
        if self.said:
            raise Exception(self.said.pop(0))

    def kill_all_processes(self, *, check_alive: bool, wait: bool) -> None:
        assert wait
        assert not check_alive
        self.happened.append("ended")


@pytest.fixture
def slow() -> type[Slow]:
    class One(Slow):
        """With lists of its own."""

    One.said, One.happened = [], []
    return One


def test_what_the_first_try_left_is_ended_and_the_second_begins_from_the_same_settings(slow: type[Slow]) -> None:
    slow.said.append(RAYS_WORDS)
    told: list[str] = []
    with second_start(slow, told.append):
        slow(ray_params=Params(), head=True)
    assert slow.happened == ["started on [6379]", "ended", "started on [6379]"]
    assert len(told) == 1
    assert "tried once more" in told[0]


def test_a_second_failure_is_told(slow: type[Slow]) -> None:
    slow.said.extend([RAYS_WORDS, RAYS_WORDS])
    with second_start(slow, lambda _: None), pytest.raises(ResourceError, match="twice"):
        slow(Params(), head=True)
    assert slow.happened[-1] == "ended"
    assert len(slow.happened) == 4


def test_another_error_is_not_tried_again_and_nor_is_anything_afterwards(slow: type[Slow]) -> None:
    slow.said.extend(["the port is taken", RAYS_WORDS])
    with second_start(slow, pytest.fail), pytest.raises(Exception, match="the port is taken"):
        slow(Params(), head=True)
    with pytest.raises(Exception, match=GAVE_UP):
        slow(Params(), head=True)


def test_ray_says_it_with_these_words_and_has_what_is_used() -> None:
    assert f"The current node {GAVE_UP}" in inspect.getsource(ray_node)
    assert "ray_params" in inspect.signature(ray_node.Node.__init__).parameters
    assert {"check_alive", "wait"} <= inspect.signature(ray_node.Node.kill_all_processes).parameters.keys()
