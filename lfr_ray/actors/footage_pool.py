"""Recorded footage on a Ray cluster: the whole chain in a process for each core, for as long as the run takes."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import ray

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.footage_protocol import FootageCalls
from lfr_ray.actors.launch_actors import desk_actor, footage_worker, matcher_actor
from lfr_ray.actors.replace_actors import RECORDED_S, STOP_S, begin_footage
from lfr_ray.camera.recording_files import Recording
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.metrics import Snapshot
from lfr_ray.models.cores_and_threads import streams_of
from lfr_ray.pipeline.camera_run import EndOfRecording
from lfr_ray.pipeline.load_site_models import LoadingModels
from lfr_ray.records import AlertPage

if TYPE_CHECKING:
    from lfr_ray.alert.alert_queries import AlertQuery  # a database, which only the desk needs
    from lfr_ray.govern.face_counters import CameraCounters

STREAMS = 4
"""Pictures that a worker works on at the same time, at most: so many frames of a recording are at the detector."""


A_GPU = 4
"""Processes that share a card's memory: each has models of its own."""


class ClusterFootage:
    """The chain in processes of the cluster that was joined; see :class:`~lfr_ray.retrospective_run.FootagePlace`.

    Each recording is decoded and looked at in one process with models of its own: no picture travels. There is one
    alert desk, and one matcher for processes that are not where the list is. This process enrols whom to look for.

    Args:
        site: The models, the list and the rules. The data folder lies on the cluster's head node.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._run = f"{site.site}-{secrets.token_hex(4)}"
        detector = site.detector.model_copy(update={"streams": min(STREAMS, streams_of(site.detector))})
        self._site = site.model_copy(update={"site": self._run, "detector": detector})
        self._numbers = itertools.count(1)
        self._workers: set[Handle[FootageCalls]] = set()
        self._free: asyncio.Queue[Handle[FootageCalls]] = asyncio.Queue()
        self._models: LoadingModels | None = None
        self._matcher: Handle[MatcherCalls] | None = None
        self._desk: Handle[DeskCalls] | None = None
        free = ray.available_resources()
        cpus, shares = free.get("CPU", 1.0), free.get("GPU", 0.0) * A_GPU
        on_gpus = int(min(cpus, shares, _beside_gpus())) if site.device in ("auto", "cuda") else 0
        self._gpus = 1 / A_GPU if on_gpus else 0.0
        self.at_once = on_gpus or max(1, int(cpus))

    def start(self, recordings: Sequence[Recording]) -> LoadingModels:
        """Start the processes that the run needs; they load while the list is being enrolled."""
        begin_footage(self._run)
        for _ in recordings[: self.at_once]:
            self._make_worker()
        self._desk = desk_actor(self._site)
        self._models = LoadingModels(self._site)
        return self._models

    async def open(self) -> None:
        """The list is enrolled: the desk and the recordings' processes are ready."""
        assert self._desk is not None
        await self._desk.ask(DeskCalls.ready)
        await asyncio.gather(*(self._ready(one) for one in self._workers))

    async def run_to_end(self, recording: Recording) -> EndOfRecording:
        """One recording from start to end.

        Raises:
            ResourceError: The process has died.
        """
        assert self._desk is not None
        worker = await self._free.get()
        try:
            await self._ready(worker)
            ending = await worker.ask(FootageCalls.run_to_end, recording.camera, self._matcher, self._desk)
        except ResourceError:
            worker.kill()
            self._workers.remove(worker)
            self._make_worker()
            raise
        self._free.put_nowait(worker)
        return ending

    async def stop(self) -> None:
        """End the recordings that are under way."""
        await asyncio.gather(*(one.ask(FootageCalls.stop).within(STOP_S) for one in self._workers))

    def frames_under_way(self) -> int:
        """Nothing: a worker is not disturbed."""
        return 0

    async def counted(self) -> Snapshot:
        """What the matcher counted, where there is one."""
        return Snapshot() if self._matcher is None else await self._matcher.ask(MatcherCalls.snapshot)

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
        for actor in filter(None, (*self._workers, self._matcher, self._desk)):
            actor.kill()
        if self._models is not None:
            self._models.end()

    async def _ready(self, worker: Handle[FootageCalls]) -> None:
        if not await worker.ask(FootageCalls.ready) and self._matcher is None:
            self._matcher = matcher_actor(self._site)
            await self._matcher.ask(MatcherCalls.ready)

    def _make_worker(self) -> None:
        worker = footage_worker(self._site, next(self._numbers), self._gpus)
        self._workers.add(worker)
        self._free.put_nowait(worker)


def _beside_gpus() -> int:
    """Workers for which the nodes with GPUs have cores: one that fits nowhere would be waited for without end."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return sum(int(min(one.get("CPU", 0.0), one.get("GPU", 0.0) * A_GPU)) for one in nodes)
