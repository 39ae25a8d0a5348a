"""Keeps the actors of a site as its configuration wants them; what it holds are always the living ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from lfr_ray.actors.digest import digest_of
from lfr_ray.actors.launch import camera_actor, desk_actor, matcher_actor
from lfr_ray.actors.names import HEALTH, Names
from lfr_ray.actors.protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.replacement import end_camera, end_desk, end_matcher, found_cameras
from lfr_ray.actors.rpc import Handle
from lfr_ray.actors.stages import CameraCalls, RemoteStages
from lfr_ray.config import CameraConfig, SiteConfig

ANSWER_S = 1.0
"""For so long one look at a process waits for it."""

log = structlog.get_logger()


class Keeper:
    """Makes what is missing, and replaces what has the configuration of an earlier deployment.

    First the desk, then the matcher, then the cameras: a camera is told of the new desk before it ends, and ends once
    that has acknowledged its last alerts.

    Args:
        site: As it should be.
        detector: The detector's deployment.
        embedder: The embedder's deployment.
        second: The second embedder's deployment, where there is one.
    """

    def __init__(
        self,
        site: SiteConfig,
        detector: Handle[DetectorCalls],
        embedder: Handle[EmbedderCalls],
        second: Handle[EmbedderCalls] | None,
    ) -> None:
        self._site = site
        self._digest = digest_of(site)
        self._models = (detector, embedder, second)
        self.desk = desk_actor(site)
        self.matcher = matcher_actor(site)
        self.cameras: Mapping[str, Handle[CameraCalls]] = {}

    async def tick(self) -> None:
        """To be called about once a second: it renews the cameras' leases as well."""
        await self.keep_desk_and_matcher()
        detector, embedder, second = self._models
        stages = RemoteStages(detector, embedder, self.matcher, self.desk, second)
        kept = await asyncio.gather(*(self._kept(one, stages) for one in self._site.cameras))
        self.cameras = {one.name: actor for one, actor in zip(self._site.cameras, kept, strict=True) if actor}
        names = Names.of(self._site)
        unlisted = found_cameras(names, names.listed_cameras() - {one.name for one in self._site.cameras})
        await asyncio.gather(*(end_camera(self._site, name, actor) for name, actor in unlisted.items()))

    async def keep_desk_and_matcher(self) -> None:
        """Make or find both, and let them open what they could not open before."""
        self.desk, self.matcher = desk_actor(self._site), matcher_actor(self._site)
        of_desk, of_matcher = await asyncio.gather(
            self.desk.in_group(HEALTH).ask(DeskCalls.said).within(ANSWER_S),
            self.matcher.in_group(HEALTH).ask(MatcherCalls.said).within(ANSWER_S),
        )
        if of_desk is not None and of_desk.digest != self._digest:
            await end_desk(self._site, self.desk)
            self.desk = desk_actor(self._site)
        elif of_desk is not None and of_desk.fault:
            self.desk.ask(DeskCalls.ready)
        if of_matcher is not None and of_matcher.digest != self._digest:
            await end_matcher(self._site, self.matcher)
            self.matcher = matcher_actor(self._site)
        elif of_matcher is not None and of_matcher.fault:
            self.matcher.ask(MatcherCalls.ready)

    async def _kept(self, camera: CameraConfig, stages: RemoteStages) -> Handle[CameraCalls] | None:
        """Make or find one camera and renew its lease; the actor, or None when that failed."""
        try:
            actor = camera_actor(self._site, camera)
            status = await actor.ask(CameraCalls.renew, stages).within(ANSWER_S)
            if status is not None and status.digest != digest_of(self._site, camera):
                await end_camera(self._site, camera.name, actor)
                return None
        except Exception as error:  # noqa: BLE001  (one camera's trouble must not end the keeping of the others)
            log.warning("camera actor failed", camera=camera.name, error=type(error).__name__)
            return None
        return actor
