"""A camera's request stays on its node while a replica there keeps up, and goes elsewhere when none does."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors.actor_protocols import ModelCalls
from lfr_ray.actors.detector_replica import DetectorReplica
from lfr_ray.actors.embedder_replica import EmbedderReplica
from lfr_ray.actors.own_node_first import KEEPS_UP, OwnNodeFirst

HOLDS = 8
BEHIND = int(KEEPS_UP * HOLDS)


def replica(name: str, node: str) -> Any:
    return SimpleNamespace(replica_id=name, node_id=node, availability_zone="", max_ongoing_requests=HOLDS)


NEAR = [replica("near-1", "here"), replica("near-2", "here")]
FAR = [replica(f"far-{number}", "there") for number in range(6)]


class Known(dict[str, int]):
    """How busy replicas were when they were last asked."""

    def invalidate_key(self, name: str) -> None:
        self.pop(name, None)


def ranks(
    replicas: list[Any], busy: dict[str, int], times: int = 1, method: str = DetectorReplica.detect.__name__
) -> list[list[list[str]]]:
    """What is tried in which order, of so many requests."""
    router = OwnNodeFirst.__new__(OwnNodeFirst)
    router._self_node_id, router._self_availability_zone = "here", None
    router._colocated_replica_ids = defaultdict(set)
    router._update_colocated_replica_ids_with_replicas(replicas)
    metadata = SimpleNamespace(call_method=method)
    request = SimpleNamespace(routing_context=SimpleNamespace(should_backoff=False), metadata=metadata)
    found = []
    for _ in range(times):
        router._replica_queue_len_cache = known = Known(busy)
        found.append(asyncio.run(router.choose_replicas(replicas, request)))
        if len(found[-1]) == 1 and len(found[-1][0]) > 1:
            assert not known.keys() & {one.replica_id for one in found[-1][0]}, "they are asked anew"
    assert request.routing_context.should_backoff, "who finds all of them full does not ask again at once"
    return [[[one.replica_id for one in rank] for rank in tried] for tried in found]


@pytest.mark.parametrize("busy", [{}, {"near-1": BEHIND}, {"near-1": BEHIND - 1, "near-2": HOLDS}])
def test_own_ones_are_tried_first_while_one_of_them_keeps_up(busy: dict[str, int]) -> None:
    ((near, others),) = ranks([*FAR, *NEAR], busy)
    assert near == ["near-1", "near-2"]
    assert len(others) == 2


def test_where_none_of_them_keeps_up_they_are_compared_with_two_of_all() -> None:
    tried = ranks([*FAR, *NEAR], {"near-1": BEHIND, "near-2": BEHIND, "far-1": 1}, times=50)
    assert all(len(one) == 1 and {"near-1", "near-2"} <= set(one[0]) and 2 <= len(one[0]) <= 4 for one in tried)
    assert {name for (several,) in tried for name in several} == {one.replica_id for one in [*FAR, *NEAR]}


def test_elsewhere_two_of_all_are_compared_and_one_alone_is_taken() -> None:
    ((two,),) = ranks(FAR, {"far-1": 1})
    assert len(two) == 2
    assert ranks(FAR[:1], {"far-0": HOLDS}) == [[[], ["far-0"]]]


@pytest.mark.parametrize("calls", [DetectorReplica, EmbedderReplica])
def test_what_each_holds_is_asked_of_each_wherever_it_is(calls: type[ModelCalls]) -> None:
    every = [*NEAR, *FAR]
    asked = ranks(every, {"near-1": 0}, times=len(every), method=calls.snapshot.__name__)
    assert {name for ((name,),) in asked} == {one.replica_id for one in every}
