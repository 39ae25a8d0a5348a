"""What is wrong with a cluster's nodes, also with those that join while a site runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import ray

from lfr_ray.actors.cluster_checks import NOT_ENCRYPTED, in_the_clear
from lfr_ray.actors.node_checks import NO_ANSWER, fault_of
from lfr_ray.actors.reserved_resources import lacking
from lfr_ray.config import SiteConfig

EVERY_S, LACKING_EVERY_S = 0.5, 5.0


class NodeWatch:
    """Looks whether nodes encrypt what they send, and once at each node whether this site can run there.

    Nodes with one address are one machine, which began the site.

    Args:
        site: The site as it should be.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site = site
        self._faults: dict[str, str] = {}
        self.refused = ""
        """Why no camera may look; empty: they may."""
        self.lacking = ""
        """What nodes lack, and which, and what all together lack; empty: nothing."""

    async def run(self) -> None:
        """Follow them, for ever."""
        await asyncio.gather(_again(self._look_at_network, EVERY_S), _again(self._look_at_new, LACKING_EVERY_S))

    async def _look_at_network(self) -> None:
        self.refused = NOT_ENCRYPTED if await asyncio.to_thread(in_the_clear, self._site) else ""

    async def _look_at_new(self) -> None:
        present = {one["NodeID"]: one for one in await asyncio.to_thread(ray.nodes) if one["Alive"]}
        if len({one["NodeManagerAddress"] for one in present.values()}) < 2:
            present = {}
        for name in present.keys() - self._faults.keys():
            self._faults[name] = await asyncio.to_thread(fault_of, self._site, present[name])
        found = {name: fault for name, fault in self._faults.items() if name in present}
        faults = (f"node {present[name]['NodeManagerAddress']}: {fault}" for name, fault in found.items() if fault)
        # A node that was lost, with nobody to bring another: what was there cannot be started anew.
        self.lacking = "; ".join(filter(None, (*sorted(faults), await asyncio.to_thread(lacking, self._site))))
        self._faults = {name: fault for name, fault in found.items() if NO_ANSWER not in fault}  # who is asked again


async def _again(look: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        with suppress(Exception):  # Ray's own table does not answer: what is known stays
            await look()
        await asyncio.sleep(every_s)
