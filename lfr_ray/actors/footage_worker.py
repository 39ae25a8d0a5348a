"""Recordings on one core of a cluster: the whole chain in one process, so that no picture travels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.actors.node_checks import on_head_node
from lfr_ray.actors.remote_matcher_and_models import COMPARED_S, RAISED_S
from lfr_ray.clock import SystemClock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.models.cores_and_threads import streams_of
from lfr_ray.pipeline.camera_run import CameraRun, EndOfRecording
from lfr_ray.pipeline.load_site_models import LoadingModels
from lfr_ray.pipeline.stage_protocols import LocalModels
from lfr_ray.records import Answer, Probe, Sighting


class FootageWorker:
    """Reads recordings one after the other. Its models load as soon as it is made.

    Where the data folder is, on the head node, it compares with the list itself: to ask another process for each frame
    made this slower than a single process. Elsewhere it asks the matcher.

    Args:
        site: The models and the rules.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site = site
        self._models = LoadingModels(site)
        self._own_matcher = MatcherActor(site) if on_head_node() else None
        self._running: CameraRun | None = None

    async def ready(self) -> bool:
        """The models are loaded, and the list where it is here; whether it is.

        Raises:
            LfrError: One cannot be; see :mod:`lfr_ray.pipeline.load_site_models`.
        """
        await asyncio.to_thread(lambda: (self._models.detector, self._models.embedders))
        return self._own_matcher is not None and await asyncio.to_thread(self._own_matcher.ready)

    async def run_to_end(
        self, camera: CameraConfig, matcher: Handle[MatcherCalls] | None, desk: Handle[DeskCalls]
    ) -> EndOfRecording:
        """One recording from start to end; when this is cancelled, its decoder ends as well."""
        stages = _Stages(self._own_matcher, matcher, desk, self._models, streams_of(self._site.detector))
        run = self._running = CameraRun(self._site, camera, SystemClock())
        try:
            return await run.run_to_end(stages)
        finally:
            await run.stop()
            self._running = None
            stages.close()

    async def stop(self) -> None:
        """Finish what is under way of the recording, forget everybody."""
        if self._running is not None:
            await self._running.stop()

    def tell_stranger(self, method: str) -> None:
        """The log has it: a run over recordings ends before anybody would renew its lease."""


class _Stages(LocalModels):
    """The models of this process, and its list if it has it; the alerts of the run, which there are once."""

    def __init__(
        self,
        own_matcher: MatcherActor | None,
        matcher: Handle[MatcherCalls] | None,
        desk: Handle[DeskCalls],
        models: LoadingModels,
        streams: int,
    ) -> None:
        embedder, *second = models.embedders
        super().__init__(models.detector, embedder, second[0] if second else None, streams)
        self._own_matcher = own_matcher
        self._matcher = None if matcher is None else matcher.limited(COMPARED_S, withdrawn=True)
        self._desk = desk.limited(RAISED_S)

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe."""
        if self._own_matcher is not None:
            return self._own_matcher.match(list(probes))
        assert self._matcher is not None
        return await self._matcher.ask(MatcherCalls.match, list(probes))

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns when the desk has made the alert durable."""
        await self._desk.ask(DeskCalls.raise_alert, sighting)
