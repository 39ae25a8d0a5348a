"""Sightings wait for the desk in turn, and each is acknowledged in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from lfr_ray.clock import FakeClock
from lfr_ray.errors import StoreError
from lfr_ray.metrics import Meter
from lfr_ray.pipeline.camera_counts import CameraCounts
from lfr_ray.pipeline.send_sightings import AlertSender
from lfr_ray.pipeline.stage_protocols import Stages
from lfr_ray.records import Sighting
from lfr_ray.tracing import Traces
from tests.unit.pipeline.conftest import VirtualLoop

Make = Callable[..., Sighting]
HANGS_S = 15.0


class HangingDesk:
    """Its database hangs until a steady time; one sighting it can never keep."""

    def __init__(self, clock: FakeClock, until_s: float, never: str = "") -> None:
        self._clock, self._until_s, self._never = clock, until_s, never
        self.asked: list[str] = []
        self.kept: list[str] = []
        self.at_once = self.most = 0

    async def raise_alert(self, sighting: Sighting) -> None:
        self.asked.append(sighting.key)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            hangs = self._clock.steady_s() < self._until_s
            await asyncio.sleep(HANGS_S if hangs else 0.01)
            if hangs or sighting.key == self._never:
                raise StoreError("the database does not answer", next_step="send the same again")
            self.kept.append(sighting.key)
        finally:
            self.at_once -= 1


def sent_to(desk: HangingDesk, clock: FakeClock, sightings: list[Sighting], for_s: float) -> int:
    """Send all at the same moment; how many still wait after a while."""

    async def scenario() -> int:
        counts = CameraCounts(Meter(), clock, "gate")
        sender = AlertSender(cast("Stages", desk), clock, counts, Traces("", "pier", "camera"))
        for sighting in sightings:
            sender.send(sighting, clock.steady_s(), {})
        await asyncio.sleep(for_s)
        waiting = sender.waiting
        for task in tuple(sender._sending):
            task.cancel()
        await asyncio.sleep(0)
        return waiting

    loop: Any = VirtualLoop(clock)
    try:
        waiting: int = loop.run_until_complete(scenario())
        return waiting
    finally:
        loop.close()


def test_a_desk_that_hangs_has_one_of_a_cameras_sightings(make_sighting: Make) -> None:
    clock = FakeClock()
    sightings = [make_sighting(f"passage-{number}") for number in range(50)]
    desk = HangingDesk(clock, until_s=clock.steady_s() + 300)
    assert sent_to(desk, clock, sightings, 330) == 0
    assert desk.most == 1
    assert sorted(desk.kept) == sorted(one.key for one in sightings), "each once"
    assert desk.asked[:20] == [one.key for one in sightings[:20]], "in the order of their passages"


def test_one_that_is_never_kept_holds_no_other_up(make_sighting: Make) -> None:
    clock = FakeClock()
    sightings = [make_sighting(f"passage-{number}") for number in range(10)]
    desk = HangingDesk(clock, until_s=0.0, never=sightings[0].key)
    assert sent_to(desk, clock, sightings, 1.0) == 1
    assert desk.kept == [one.key for one in sightings[1:]]
