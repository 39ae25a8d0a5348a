"""Handing sightings to the alert desk until it has acknowledged each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lfr_ray.clock import Clock, backoff_s
from lfr_ray.errors import AlertRefusedError
from lfr_ray.pipeline.camera_counts import ALERT, CameraCounts
from lfr_ray.pipeline.stage_protocols import Stages
from lfr_ray.records import Sighting
from lfr_ray.tracing import Traces

RETRY_FIRST_S, RETRY_LONGEST_S = 0.2, 5.0


@dataclass(slots=True, eq=False, repr=False)
class AlertSender:
    """Sends one camera's sightings; one that failed is sent again with the same key, so that none becomes two.

    One at a time is with the desk: whatever waits while its database hangs must not fill it. One that failed lets the
    others go first.
    """

    stages: Stages
    clock: Clock
    counts: CameraCounts
    traces: Traces
    _sending: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def send(self, sighting: Sighting, seen_s: float, worked: Mapping[str, tuple[float, ...]]) -> None:
        """Begin to send what was captured at a steady time.

        ``worked``: when each part's process worked on it, wall times, for its trace.
        """
        began_at, ended_at = sighting.captured_at, self.clock.wall_s()
        trace = self.traces.span("alert", began_at, ended_at, camera=sighting.camera)
        for name, times in worked.items():
            if times:
                self.traces.span(name, times[0], times[1], trace)
        sighting = replace(sighting, traceparent=trace)
        task = asyncio.create_task(self._until_acknowledged(sighting, seen_s))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    @property
    def waiting(self) -> int:
        """Sightings that the desk has not acknowledged yet."""
        return len(self._sending)

    async def all_sent(self) -> None:
        """Wait until every sighting was acknowledged or refused."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def _until_acknowledged(self, sighting: Sighting, seen_s: float) -> None:
        """Try until it is acknowledged, or refused."""
        failures = 0
        with self.counts.under_way(ALERT):
            while True:
                try:
                    async with self._turn:
                        await self.stages.raise_alert(sighting)
                    break
                except AlertRefusedError as error:
                    self.counts.failed("alert", error)
                    return
                except Exception as error:  # noqa: BLE001  (an alert is never lost because a try failed)
                    self.counts.failed("alert", error)
                    failures += 1
                    await asyncio.sleep(backoff_s(failures, first_s=RETRY_FIRST_S, longest_s=RETRY_LONGEST_S))
        self.counts.lasted(ALERT, self.clock.steady_s() - seen_s)
