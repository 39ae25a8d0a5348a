"""The disk of the alerts' database is full: cameras keep what they cannot hand over until there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from lfr_ray.alert.alert_service import AlertQuery, AlertService
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import SystemClock
from lfr_ray.metrics import Meter
from lfr_ray.pipeline.camera_counts import CameraCounts
from lfr_ray.pipeline.send_sightings import AlertSender
from lfr_ray.records import Sighting
from lfr_ray.tracing import Traces
from tests.disk import full_disk
from tests.integration.govern.station import sighting

TRIES = 10


class Desk:
    """The desk, asked as a camera's chain asks it."""

    def __init__(self, service: AlertService) -> None:
        self.service, self.faults, self.often = service, list[Exception](), asyncio.Event()

    async def raise_alert(self, seen: Sighting) -> None:
        try:
            self.service.raise_alert(seen)
        except Exception as error:
            self.faults.append(error)
            if len(self.faults) == TRIES:
                self.often.set()
            raise

    def recorded(self) -> list[str]:
        return sorted(one.entry_id for one in self.service.list(AlertQuery()).alerts)


def test_alerts_wait_at_their_camera_and_each_is_recorded_once(
    sqlite_url: str, desk_on: Callable[..., AlertService]
) -> None:
    database = Database(sqlite_url)
    desk, meter, clock = Desk(desk_on(database)), Meter(), SystemClock()
    seen = [sighting(number, "", clock.wall_s()) for number in range(5)]
    desk.service.raise_alert(seen[0])

    async def send() -> None:
        stages: Any = desk
        sender = AlertSender(stages, clock, CameraCounts(meter, clock, "pier"), Traces("", "site", "camera"))
        with full_disk(max(path.stat().st_size for path in database.files)):
            for one in seen:
                sender.send(one, clock.steady_s(), {})
            await asyncio.wait_for(desk.often.wait(), 60)
            assert desk.recorded() == ["e0"], "what was acknowledged is there, and can be read"
        await asyncio.wait_for(sender.all_sent(), 60)

    asyncio.run(send())
    assert "its disk has room" in str(desk.faults[0])
    assert meter.value("stage_failures_total", stage="alert", camera="pier") >= TRIES
    assert desk.recorded() == ["e0", "e1", "e2", "e3", "e4"]
    database.close()
