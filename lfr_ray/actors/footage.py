"""Recorded footage on a Ray cluster: the processes of a live site, for as long as the run takes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import ray
from ray import serve

from lfr_ray.actors.cluster import quieten
from lfr_ray.actors.launch import (
    camera_actor,
    desk_actor,
    detector_deployment,
    embedder_deployment,
    matcher_actor,
    second_embedder_deployment,
)
from lfr_ray.actors.names import DETECTOR, EMBEDDER, SECOND_EMBEDDER
from lfr_ray.actors.protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.ray_private import delete
from lfr_ray.actors.remote_models import RemoteDetector, RemoteEmbedder, remote_embedders
from lfr_ray.actors.replacement import RECORDED_S, begin_footage, stop_cameras
from lfr_ray.actors.rpc import Handle
from lfr_ray.actors.stages import CameraCalls, RemoteStages
from lfr_ray.camera.recordings import Recording
from lfr_ray.config import SiteConfig
from lfr_ray.metrics import Snapshot
from lfr_ray.models.catalogue import card
from lfr_ray.pipeline.camera_run import EndOfRecording
from lfr_ray.records import AlertPage

if TYPE_CHECKING:
    from lfr_ray.alert.queries import AlertQuery  # a database, which only the desk needs
    from lfr_ray.govern.counters import CameraCounters


class ClusterFootage:
    """The chain in processes of the cluster that was joined; see :class:`~lfr_ray.retrospective.FootagePlace`.

    Each node gets one detector replica. What was started is ended, and the cluster goes on.

    Args:
        site: The models, the list and the rules. The data folder lies on the cluster's head node.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._run = f"{site.site}-{secrets.token_hex(4)}"
        nodes = [one for one in ray.nodes() if one["Alive"] and one["Resources"].get("CPU")]
        detector = site.detector.model_copy(update={"replicas": len(nodes) or 1})
        self._site = site.model_copy(update={"site": self._run, "detector": detector})
        self._apps: list[str] = []
        self._cameras: dict[str, Handle[CameraCalls]] = {}
        self._matcher: Handle[MatcherCalls] | None = None
        self._desk: Handle[DeskCalls] | None = None
        self.at_once = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def start(self, recordings: Sequence[Recording]) -> None:
        """Start the processes that the run needs; the desk and the cameras load while the list is being enrolled."""
        quieten()  # loading Serve has made its log talkative again
        serve.start(proxy_location="Disabled")
        quieten()
        begin_footage(self._run)
        models = {
            DETECTOR: detector_deployment(self._site),
            EMBEDDER: embedder_deployment(self._site),
            SECOND_EMBEDDER: second_embedder_deployment(self._site),
        }
        wanted = {f"{self._run}-{name}": one for name, one in models.items() if one is not None}
        self._apps = list(wanted)
        targets = (serve.RunTarget(one, name=name, route_prefix=None) for name, one in wanted.items())
        detector, embedder, *second = serve.run_many(list(targets))
        self._detector: Handle[DetectorCalls] = Handle(detector)
        self._embedder: Handle[EmbedderCalls] = Handle(embedder)
        self._second: Handle[EmbedderCalls] | None = Handle(second[0]) if second else None
        self._desk = desk_actor(self._site)
        self._make_cameras(recordings[: self.at_once])

    @property
    def detector(self) -> RemoteDetector:
        """The deployed detector, for enrolment."""
        return RemoteDetector(card(self._site.detector.model), self._detector)

    @property
    def embedders(self) -> list[RemoteEmbedder]:
        """The deployed embedder, or both, for enrolment."""
        return remote_embedders(self._site, self._embedder, self._second)

    async def open(self) -> None:
        """The list is enrolled: matcher, desk and the first cameras are ready, and have reached the models."""
        assert self._desk is not None
        await self._desk.ask(DeskCalls.ready)
        self._matcher = matcher_actor(self._site)
        await self._matcher.ask(MatcherCalls.ready)
        self._stages = RemoteStages(self._detector, self._embedder, self._matcher, self._desk, self._second)
        for loading in [camera.ask(CameraCalls.ready, self._stages) for camera in self._cameras.values()]:
            await loading

    async def run_to_end(self, recording: Recording) -> EndOfRecording:
        """One recording from start to end, in a process of its own.

        Raises:
            ResourceError: The process has died.
        """
        name = recording.camera.name
        self._make_cameras([recording])
        try:
            return await self._cameras[name].ask(CameraCalls.run_to_end, self._stages)
        finally:
            self._cameras.pop(name).kill()

    async def stop(self) -> None:
        """End the recordings that are under way."""
        await stop_cameras(self._cameras.values())

    def frames_under_way(self) -> int:
        """Nothing: a camera's process is not disturbed."""
        return 0

    async def counted(self) -> Snapshot:
        """What the matcher counted."""
        assert self._matcher is not None
        return await self._matcher.ask(MatcherCalls.snapshot)

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        assert self._desk is not None
        return await self._desk.ask(DeskCalls.list, query)

    async def keep_up(self, seen: dict[str, CameraCounters]) -> None:
        """What every recording counted so far, for the ledger."""
        assert self._desk is not None
        await self._desk.ask(DeskCalls.keep_up, seen)

    async def close(self) -> None:
        """Put the last counts on record."""
        if self._desk is not None:
            await self._desk.ask(DeskCalls.stop).within(RECORDED_S)

    def end(self) -> None:
        """End what was started."""
        for actor in filter(None, (*self._cameras.values(), self._matcher, self._desk)):
            actor.kill()
        delete(self._apps)

    def _make_cameras(self, recordings: Sequence[Recording]) -> None:
        for camera in (one.camera for one in recordings if one.camera.name not in self._cameras):
            self._cameras[camera.name] = camera_actor(self._site, camera)
