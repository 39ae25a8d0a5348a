"""A replica of the matcher as an actor: on a node that has cameras and is not the matcher's."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import numpy as np
import ray
from ray import cloudpickle

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import leave_cluster
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.matcher_feed import PERMIT_S
from lfr_ray.camera.fleet_lease import Lease
from lfr_ray.clock import SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.errors import LfrError
from lfr_ray.match.permission import Permit
from lfr_ray.metrics import Snapshot, memory_of
from lfr_ray.records import Answer, Probe

LOOK_S = 1.0
"""So often it asks for the list's version; a list that is another one is dropped before the new one comes."""

PART_S = 5.0

AT_ONCE = 8
"""Parts of the list that are under way."""

LOST_S = 10.0
"""Without the matcher for so long it drops its list: nobody could tell it that somebody was erased."""

LEASE_S = 60.0
"""As a camera's."""

RECORDED_S = 2.0

NO_VECTORS = np.zeros((0, 0), np.float32)


class MatcherReplica:
    """Holds the vectors of the matcher's list, and compares with them where the matcher permits it.

    It adds time, the way to the matcher and a lease to :class:`~lfr_ray.match.watchlist_replica.ListReplica`.

    Args:
        site: Whose matcher it is.
        node: Where it is, for people.
    """

    def __init__(self, site: SiteConfig, node: str) -> None:
        from lfr_ray.match.watchlist_replica import ListReplica  # whoever only calls it need not load what compares

        self._digest, self._node = digest_of(site), node
        self._list = ListReplica()
        self._lease = Lease(LEASE_S, SystemClock())
        self._matcher: Handle[MatcherCalls] | None = None
        self._heard_s = 0.0
        self._behind = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._stranger = ""

    async def keep(self, matcher: Handle[MatcherCalls], desk: Handle[DeskCalls]) -> str:
        """Renew the lease and follow this matcher; the digest of its configuration."""
        self._lease.renew()
        self._matcher = matcher.limited(PERMIT_S, withdrawn=True)
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())
        if self._stranger:
            told = desk.ask(DeskCalls.record_stranger, f"matcher replica {self._node}", self._stranger)
            self._stranger = "" if await told.within(RECORDED_S) is True else self._stranger
        return self._digest

    async def match(self, probes: list[Probe]) -> list[Answer | None]:
        """One answer a probe; None: the matcher must be asked."""
        asked_s, nothing = time.monotonic(), [None] * len(probes)
        if any(one.model != self._list.model for one in probes):
            return [*nothing]
        try:
            permit = await self._permit([replace(one, vectors=NO_VECTORS, weights=NO_VECTORS) for one in probes])
        except (LfrError, ray.exceptions.RayError):
            return [*nothing]
        if permit.version != self._list.version:
            self._behind.set()
        answers = self._list.answers(probes, permit)
        return answers if time.monotonic() - asked_s < PERMIT_S else [*nothing]

    async def forget(self) -> bool:
        """Drop the list, and what of it is under way. True once that is done."""
        if (following := self._following) is not None:
            while not following.done():  # before Python 3.12 wait_for may swallow a cancellation
                following.cancel()
                await asyncio.wait({following}, timeout=0.1)
            await asyncio.gather(following, return_exceptions=True)
            self._following = None
        self._list.forget()
        return True

    async def snapshot(self) -> Snapshot:
        """What this process holds."""
        return memory_of(f"matcher replica {self._node}")

    def tell_stranger(self, method: str) -> None:
        """Pass a call without the capability on to the desk, with the next renewal of the lease."""
        self._stranger = method

    async def _follow(self) -> None:
        while not self._lease.expired:
            self._behind.clear()
            with contextlib.suppress(LfrError, ray.exceptions.RayError):
                await self._look()
            if time.monotonic() - self._heard_s > LOST_S:
                self._list.forget()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._behind.wait(), LOOK_S)
        leave_cluster()

    async def _look(self) -> None:
        """Ask for the version; a list that is another one is dropped first, and then the new one fetched."""
        permit = await self._permit([])
        if permit.version == self._list.version:
            return
        self._list.forget()
        assert self._matcher is not None
        matcher, parts = self._matcher.limited(PART_S, withdrawn=True), list[bytes]()
        while permit.version and (not parts or parts[-1]):
            numbers = range(len(parts), len(parts) + AT_ONCE)
            parts += await asyncio.gather(*(matcher.ask(MatcherCalls.part, permit.version, one) for one in numbers))
        if parts:
            self._list.take(permit.version, cloudpickle.loads(b"".join(parts)))

    async def _permit(self, probes: list[Probe]) -> Permit:
        assert self._matcher is not None
        permit = await self._matcher.ask(MatcherCalls.permit, probes, self._node, self._list.version)
        self._heard_s = time.monotonic()
        return permit
