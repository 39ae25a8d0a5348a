"""What is wrong with a cluster's nodes, also with those that join while a site runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import ray
from ray import serve

from lfr_ray.actors.cluster_checks import NOT_ENCRYPTED, in_the_clear
from lfr_ray.actors.node_checks import NO_ANSWER, fault_of
from lfr_ray.actors.ray_private import noted
from lfr_ray.actors.reserved_resources import lacking
from lfr_ray.config import SiteConfig

EVERY_S, LACKING_EVERY_S = 0.5, 5.0
FAILED = "DEPLOY_FAILED"


class NodeWatch:
    """Looks whether nodes encrypt what they send, and once at each node whether this site can run there.

    Nodes with one address are one machine, which began the site.

    Args:
        site: The site as it should be.
        application: Serve's name of it.
    """

    def __init__(self, site: SiteConfig, application: str) -> None:
        self._site, self._application = site, application
        self._faults: dict[str, str] = {}
        self._of_serve = ""
        self.refused = ""
        """Why no camera may look; empty: they may."""
        self.lacking = ""
        """What nodes lack, and which, what all together lack, and what Serve has given up; empty: nothing."""

    async def run(self) -> None:
        """Follow them, for ever."""
        looks = (self._look_at_new, self._look_at_serve)
        seldom = (_again(one, LACKING_EVERY_S) for one in looks)
        await asyncio.gather(_again(self._look_at_network, EVERY_S), *seldom)

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
        of_all = await asyncio.to_thread(lacking, self._site)
        self.lacking = "; ".join(filter(None, (*sorted(faults), of_all, self._of_serve)))
        self._faults = {name: fault for name, fault in found.items() if NO_ANSWER not in fault}  # who is asked again

    async def _look_at_serve(self) -> None:
        waits = await asyncio.to_thread(noted, f"{self._site.site}/waits")
        given = await asyncio.to_thread(given_up, self._application)
        self._of_serve = "; ".join(filter(None, (waits and f"the site ran before and waits: {waits}", given)))


def given_up(application: str) -> str:
    """What Serve starts no more, as a sentence; empty: nothing."""
    found = serve.status().applications.get(application)
    failed = sorted(name for name, one in found.deployments.items() if one.status == FAILED) if found else []
    if not failed:
        return ""
    return f"Serve has given up {', '.join(failed)}: `serve status` says why; mend it and deploy again"


async def _again(look: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        with suppress(Exception):  # Ray's own table does not answer: what is known stays
            await look()
        await asyncio.sleep(every_s)
