"""How a site's actors end, and are followed by others that have the newest configuration."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping

import ray
from ray import serve

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import Names, find_actor
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.fleet_rounds import PeriodicWork
from lfr_ray.actors.ray_private import abandoned, claimed, noted, row_of
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, ReplicaCalls
from lfr_ray.actors.start_or_join_ray import NAMESPACE
from lfr_ray.config import SiteConfig

STOP_S = 3.0
"""So long an actor has for an orderly end."""

RECORDED_S = 5.0
"""So long the desk of recorded footage has to put the last counts on record."""

FLUSH_S = 20.0
"""So long a camera has until the desk has acknowledged its last alerts, while the site goes on."""

GONE_S = 15.0
"""So long Ray may take to end a process that is frozen."""

LOOK_S = 0.1

FOOTAGE = "footage/"
"""Under this a command claims the name of its run over recorded footage, for as long as it lives."""


def begin_footage(name: str) -> None:
    """Claim a run's name, and end what is left of runs whose command died without an end."""
    claimed(f"{FOOTAGE}{name}", "")
    for run in (one.removeprefix(FOOTAGE) for one in abandoned(FOOTAGE)):
        for one in ray.util.list_named_actors(all_namespaces=True):
            if one["namespace"] == NAMESPACE and one["name"].startswith(f"{run}/"):
                ray.kill(ray.get_actor(one["name"], NAMESPACE))


async def stop_cameras(cameras: Iterable[Handle[CameraCalls]]) -> None:
    """Let cameras finish what is under way."""
    await asyncio.gather(*(camera.ask(CameraCalls.stop).within(STOP_S) for camera in cameras))


async def end_desk(site: SiteConfig, desk: Handle[DeskCalls]) -> None:
    """End the desk; who raises alerts tries again until its successor acknowledges them."""
    await desk.ask(DeskCalls.stop).within(STOP_S)
    await _gone(desk, Names(site.site).desk)


async def end_matcher(site: SiteConfig, matcher: Handle[MatcherCalls]) -> None:
    """End the matcher, which forgets the list."""
    await matcher.ask(MatcherCalls.stop).within(STOP_S)
    await _gone(matcher, Names(site.site).matcher)


async def end_camera(site: SiteConfig, name: str, camera: Handle[CameraCalls]) -> None:
    """End a camera once what it had under way has come to its end; while its alerts wait for the desk it lives on.

    One that is late with its answer may have alerts as well, and answers at once when it is asked again. One that is
    frozen does not, and one that has no process has none.
    """
    ended = await camera.ask(CameraCalls.stop).within(FLUSH_S)
    if ended is None and row_of(camera.remote).get("State") == "ALIVE":
        ended = await camera.ask(CameraCalls.stop).within(STOP_S)
    if ended is False:
        return
    await _gone(camera, Names(site.site).camera(name))


async def stop_actors(site: SiteConfig, periodic: PeriodicWork | None = None) -> None:
    """End a site's detached actors: cameras first, so that their last alerts and counts still find the desk."""
    names = Names.of(site)
    cameras = found_cameras(names, names.listed_cameras())
    await stop_cameras(cameras.values())
    if periodic is not None:
        await periodic.pass_on(cameras)
    for replica in names.find_replicas().values():
        await replica.ask(ReplicaCalls.forget).within(STOP_S)
        replica.kill()
    if (matcher := names.find_matcher()) is not None:
        await matcher.ask(MatcherCalls.stop).within(STOP_S)
        matcher.kill()
    if (desk := names.find_desk()) is not None:
        await desk.ask(DeskCalls.stop).within(STOP_S)
        desk.kill()
    for camera in cameras.values():
        camera.kill()
    for name in cameras.keys() | {one.name for one in site.cameras}:
        noted(names.camera(name), "-")  # a site that is started anew reads its recordings anew
    noted(site.site, "-")


def found_cameras(names: Names, wanted: set[str]) -> Mapping[str, Handle[CameraCalls]]:
    """Those of these cameras that have a process."""
    found = {name: names.find_camera(name) for name in sorted(wanted)}
    return {name: camera for name, camera in found.items() if camera is not None}


def is_going_away(app: str) -> bool:
    """The whole application is being deleted, and not only one of its replicas replaced."""
    status = serve.status().applications.get(app)
    return status is None or status.status == "DELETING"


async def _gone(actor: Handle[DeskCalls] | Handle[MatcherCalls] | Handle[CameraCalls], name: str) -> None:
    """End an actor for good, and wait until its name is free."""
    actor.kill()
    until_s = time.monotonic() + GONE_S
    while find_actor(name) is not None and time.monotonic() < until_s:  # noqa: ASYNC110  (Ray tells nobody)
        await asyncio.sleep(LOOK_S)
