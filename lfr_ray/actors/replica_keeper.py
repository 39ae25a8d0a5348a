"""Keeps one replica of the matcher on each node that has cameras, but on the matcher's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set

import ray

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import Names
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.launch_actors import matcher_replica
from lfr_ray.actors.node_checks import HEAD
from lfr_ray.actors.remote_matcher_and_models import ReplicaCalls
from lfr_ray.config import SiteConfig
from lfr_ray.structured_logs import get_logger

ANSWER_S = 1.0
"""A replica that takes longer is not asked by cameras."""

FROZEN_TIMES = 5
"""One that has answered before and is silent so often is ended, so that it is made anew."""

log = get_logger()


class ReplicaKeeper:
    """Makes replicas, ends those without cameras, and knows which of them answer.

    Args:
        site: As it should be.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site, self._names, self._digest = site, Names.of(site), digest_of(site)
        self._silent: dict[str, int] = {}
        self.answering: Mapping[str, Handle[ReplicaCalls]] = {}

    async def tick(self, nodes: Set[str], matcher: Handle[MatcherCalls], desk: Handle[DeskCalls]) -> None:
        """To be called about once a second, with the nodes on which cameras are; it never fails."""
        try:
            await self._tick(nodes, matcher, desk)
        except Exception as error:  # noqa: BLE001  (the matcher answers for every camera meanwhile)
            log.warning("keeping the matcher's replicas failed", error=type(error).__name__)
            self.answering = {}

    async def _tick(self, nodes: Set[str], matcher: Handle[MatcherCalls], desk: Handle[DeskCalls]) -> None:
        wanted = {node: shown for node, shown in (await asyncio.to_thread(_others)).items() if node in nodes}
        kept = await asyncio.gather(*(self._kept(node, shown, matcher, desk) for node, shown in wanted.items()))
        self.answering = {node: one for node, one in zip(wanted, kept, strict=True) if one is not None}
        for node in self._silent.keys() - wanted.keys():
            del self._silent[node]
            if (left := self._names.find_replicas().get(node)) is not None:
                await left.ask(ReplicaCalls.forget).within(ANSWER_S)
                left.kill()

    async def _kept(
        self, node: str, shown: str, matcher: Handle[MatcherCalls], desk: Handle[DeskCalls]
    ) -> Handle[ReplicaCalls] | None:
        try:
            replica = matcher_replica(self._site, node, shown)
            digest = await replica.ask(ReplicaCalls.keep, matcher, desk).within(ANSWER_S)
            if digest == self._digest:
                self._silent[node] = 0
                return replica
            if node in self._silent or digest is not None:
                self._silent[node] = self._silent.get(node, 0) + 1
            if digest is not None or self._silent.get(node, 0) >= FROZEN_TIMES:
                del self._silent[node]
                replica.kill()
        except Exception as error:  # noqa: BLE001  (the matcher answers for that node meanwhile)
            log.warning("a replica of the matcher failed", node=node, error=type(error).__name__)
        return None


def _others() -> dict[str, str]:
    """The living nodes but the matcher's, and what each is called for people."""
    others = [one for one in ray.nodes() if one["Alive"] and HEAD not in one["Resources"]]
    return {one["NodeID"]: f"{one['NodeManagerAddress']}/{one['NodeID'][:8]}" for one in others}
