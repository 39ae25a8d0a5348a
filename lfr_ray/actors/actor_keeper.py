"""Keeps the actors of a site as its configuration wants them; what it holds are always the living ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import HEALTH, Names
from lfr_ray.actors.actor_protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.launch_actors import camera_actor, desk_actor, matcher_actor
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, RemoteStages, ReplicaCalls
from lfr_ray.actors.replace_actors import end_camera, end_desk, end_matcher, found_cameras
from lfr_ray.actors.replica_keeper import ReplicaKeeper
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.focus_config import CameraFocus
from lfr_ray.site.camera_focus import focus_of, set_focus
from lfr_ray.structured_logs import get_logger

GATE_LOOKS_S = 1.2
"""In this time the gate has looked whether the site is still as it was signed."""

ANSWER_S = 1.0
"""For so long one look at a process waits for it."""

SOON_S = 0.25
"""A camera that Ray starts anew refuses at once: it is asked again after so long, as it looks once it was asked."""

log = get_logger()


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
        self._replicas, self._nodes = ReplicaKeeper(site), dict[str, str]()
        self.focus = focus_of(site)
        """Of cameras that were set in the console: where they look."""

    @property
    def replicas(self) -> Sequence[Handle[ReplicaCalls]]:
        """Those of the matcher that answer."""
        return [*self._replicas.answering.values()]

    async def tick(self, refused: str = "") -> None:
        """To be called about once a second: it renews the cameras' leases as well.

        Args:
            refused: Why no camera may look; then those that run are ended.
        """
        await self.keep_desk_and_matcher()
        wanted, names = () if refused else self._site.cameras, Names.of(self._site)
        replicas = self._replicas.tick(set() if refused else {*self._nodes.values()}, self.matcher, self.desk)
        *kept, _ = await asyncio.gather(*map(self._kept, wanted), replicas)
        self.cameras = {one.name: actor for one, actor in zip(wanted, kept, strict=True) if actor}
        unlisted = found_cameras(names, names.listed_cameras() - {one.name for one in wanted})
        await asyncio.gather(*(self._end(name, actor) for name, actor in unlisted.items()))

    async def set_focus(self, camera: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        """Set where a camera looks: first the gate compares it with what was signed, then the camera is told."""
        await asyncio.to_thread(set_focus, self._site, camera, focus, by=by, reason=reason)
        await asyncio.sleep(GATE_LOOKS_S)
        self.focus = await asyncio.to_thread(focus_of, self._site)

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

    async def _end(self, name: str, camera: Handle[CameraCalls]) -> None:
        """End a camera that is not wanted; what it has raised goes to the desk of now."""
        detector, embedder, second = self._models
        stages = RemoteStages(detector, embedder, self.matcher, self.desk, second)
        await camera.ask(CameraCalls.follow, stages).within(ANSWER_S)
        await end_camera(self._site, name, camera)

    async def _renewed(
        self, actor: Handle[CameraCalls], stages: RemoteStages, focus: CameraFocus | None
    ) -> CameraStatus | None:
        """Ask a camera, and again while there is time; None: there was no answer."""
        until_s = time.monotonic() + ANSWER_S
        while (left_s := until_s - time.monotonic()) > 0:
            status = await actor.ask(CameraCalls.renew, stages, focus).within(left_s)
            if status is not None:
                return status
            await asyncio.sleep(min(SOON_S, max(0.0, until_s - time.monotonic())))
        return None

    async def _kept(self, camera: CameraConfig) -> Handle[CameraCalls] | None:
        """Make or find one camera and renew its lease; the actor, or None when that failed."""
        try:
            detector, embedder, second = self._models
            near = self._replicas.answering.get(self._nodes.get(camera.name, ""))
            stages = RemoteStages(detector, embedder, self.matcher, self.desk, second, near)
            actor = camera_actor(self._site, camera)
            status = await self._renewed(actor, stages, self.focus.get(camera.name))
            if status is not None and status.digest != digest_of(self._site, camera):
                await end_camera(self._site, camera.name, actor)
                return None
            if status is not None:
                self._nodes[camera.name] = status.node
        except Exception as error:  # noqa: BLE001  (one camera's trouble must not end the keeping of the others)
            log.warning("camera actor failed", camera=camera.name, error=type(error).__name__)
            return None
        return actor
