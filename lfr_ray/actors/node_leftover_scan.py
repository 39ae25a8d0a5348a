"""Looking for destroyed content in Ray's object store on every node, as a closing does on its own machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from lfr_ray.actors.actor_names import Names
from lfr_ray.actors.actor_reply import Reply
from lfr_ray.actors.remote_matcher_and_models import ReplicaCalls
from lfr_ray.actors.start_or_join_ray import join
from lfr_ray.config import SiteConfig
from lfr_ray.govern.leftover_scan import SHARED_MEMORY, Elsewhere, Scanner, ScanReport

FORGOTTEN_S = 10.0

ANSWER_S = 300.0
"""In this time a node reads all that its object store holds, and Ray notices that a node is gone."""


def search_here(scanner: Scanner, node: str) -> ScanReport:
    """What shared memory of this machine holds, the object store of the process that began this one among it."""
    report = scanner.scan([SHARED_MEMORY])
    return replace(report, findings=tuple(replace(one, file=f"memory of node {node}") for one in report.findings))


def search_nodes(scanner: Scanner, answer_s: float = ANSWER_S) -> tuple[list[ScanReport], list[str]]:
    """Search every living node at the same time; a desk without Ray has no other than its own, which is searched.

    Returns:
        What each that answered found, and of each other in words that it was not searched.
    """
    if not ray.is_initialized():
        return [], []
    nodes = [(node["NodeID"], node["NodeManagerAddress"]) for node in ray.nodes() if node["Alive"]]
    search, shared = ray.remote(search_here), ray.put(scanner)
    asked: list[tuple[str, Any]] = []
    for node, address in nodes:
        place = NodeAffinitySchedulingStrategy(node, soft=False)
        asked.append(
            (address, search.options(num_cpus=0, max_retries=0, scheduling_strategy=place).remote(shared, address))
        )
    ray.wait([one for _, one in asked], num_returns=len(asked), timeout=answer_s, fetch_local=False)
    found, left_out = [], []
    for address, one in asked:
        try:
            found.append(ray.get(one, timeout=1.0))
        except ray.exceptions.RayError as error:
            left_out.append(f"the memory of node {address} was not searched: no answer ({type(error).__name__})")
    return found, left_out


def searching(site: SiteConfig, answer_s: float = FORGOTTEN_S) -> Elsewhere:
    """What makes the replicas of a site's matcher drop their lists, and then searches every node."""

    def search(scanner: Scanner) -> tuple[list[ScanReport], list[str]]:
        replicas = Names.of(site).find_replicas() if ray.is_initialized() else {}
        asked = [(node, one.ask(ReplicaCalls.forget)) for node, one in replicas.items()]
        silent = [node for node, reply in asked if not _dropped(reply, answer_s)]
        found, left_out = search_nodes(scanner)
        return found, [
            *(f"the matcher's replica on node {one} may hold the list: no answer" for one in silent),
            *left_out,
        ]

    return search


def _dropped(reply: Reply[bool], answer_s: float) -> bool:
    """Whether a replica has dropped its list; one that has died holds none, one that is out of reach may."""
    try:
        return bool(ray.get(reply.pending, timeout=answer_s))
    except ray.exceptions.ActorDiedError:
        return True
    except ray.exceptions.RayError:
        return False


@contextmanager
def joined(address: str, site: SiteConfig) -> Iterator[Elsewhere]:
    """For a command: connected to a site's cluster until the block ends, with what searches its nodes."""
    join(address)
    try:
        yield searching(site)
    finally:
        ray.shutdown()
