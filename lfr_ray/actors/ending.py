"""The end of a site: its detached actors go with its application."""

from __future__ import annotations

import asyncio

import ray
from ray import serve

from lfr_ray.actors.names import Names, find_actor
from lfr_ray.actors.rpc import answer_within
from lfr_ray.actors.schedule import PeriodicWork
from lfr_ray.config import SiteConfig

ANSWER_S = 3.0
"""So long an actor has for an orderly end."""


async def stop_actors(site: SiteConfig, clockwork: PeriodicWork | None = None) -> None:
    """End a site's detached actors: cameras first, so that their last alerts and counts still find the desk."""
    names = Names(site.site)
    found = ((one.name, find_actor(names.camera(one.name))) for one in site.cameras)
    cameras = {name: actor for name, actor in found if actor is not None}
    await asyncio.gather(*(answer_within(actor.stop.remote(), ANSWER_S) for actor in cameras.values()))
    if clockwork is not None:
        await clockwork.pass_on(cameras)
    for actor in (find_actor(names.matcher), find_actor(names.desk)):
        if actor is not None:
            await answer_within(actor.stop.remote(), ANSWER_S)
            ray.kill(actor)
    for actor in cameras.values():
        ray.kill(actor)


def is_going_away(app: str) -> bool:
    """The whole application is being deleted, and not only one of its replicas replaced."""
    status = serve.status().applications.get(app)
    return status is None or status.status == "DELETING"
