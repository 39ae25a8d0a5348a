"""Handing sightings to the alert desk until it has acknowledged each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from lfr_ray.clock import Clock, backoff_s
from lfr_ray.errors import RefusedError
from lfr_ray.pipeline.counts import ALERT, CameraCounts
from lfr_ray.pipeline.stages import Stages
from lfr_ray.records import Sighting
from lfr_ray.tracing import Traces

RETRY_FIRST_S, RETRY_LONGEST_S = 0.2, 5.0


class AlertSender:
    """Sends one camera's sightings; one that failed is sent again with the same key, so that none becomes two."""

    def __init__(self, stages: Stages, clock: Clock, counts: CameraCounts, traces: Traces) -> None:
        self._stages = stages
        self._clock = clock
        self._counts = counts
        self._traces = traces
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, sighting: Sighting, seen_s: float, worked: Mapping[str, tuple[float, ...]]) -> None:
        """Begin to send.

        Args:
            sighting: What the desk is given.
            seen_s: Steady time at which its frame was captured.
            worked: When each part's process worked on it, wall times: for its trace.
        """
        began_at, ended_at = sighting.captured_at, self._clock.wall_s()
        trace = self._traces.span("alert", began_at, ended_at, camera=sighting.camera)
        for name, times in worked.items():
            if times:
                self._traces.span(name, times[0], times[1], trace)
        sighting = replace(sighting, traceparent=trace)
        task = asyncio.create_task(self._until_acknowledged(sighting, seen_s))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def all_sent(self) -> None:
        """Wait until every sighting was acknowledged or refused."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def _until_acknowledged(self, sighting: Sighting, seen_s: float) -> None:
        with self._counts.under_way(ALERT):
            acknowledged = await self._sent(sighting)
        if acknowledged:
            self._counts.lasted(ALERT, self._clock.steady_s() - seen_s)

    async def _sent(self, sighting: Sighting) -> bool:
        """Try until it is acknowledged; False: it was refused."""
        failures = 0
        while True:
            try:
                await self._stages.raise_alert(sighting)
                return True
            except RefusedError as error:
                self._counts.failed("alert", error)
                return False
            except Exception as error:  # noqa: BLE001  (an alert is never lost because a try failed)
                self._counts.failed("alert", error)
                failures += 1
                await asyncio.sleep(backoff_s(failures, first_s=RETRY_FIRST_S, longest_s=RETRY_LONGEST_S))
