"""The alert desk as an actor. It loads its database itself, so that its callers need not (see ``matcher_actor.py``)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.desk_audit import DeskAccount
from lfr_ray.actors.open_with_backoff import Opening
from lfr_ray.api.alert_and_site_ports import LocalAlerts
from lfr_ray.clock import SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.health import DeskSaid
from lfr_ray.metrics import Meter, Snapshot, resident_bytes
from lfr_ray.records import Sighting
from lfr_ray.tracing import Traces

if TYPE_CHECKING:
    from lfr_ray.alert.alert_service import AlertService
    from lfr_ray.alert.start_deliveries import WaysOut
    from lfr_ray.alert.webhook_store import WebhookStore
    from lfr_ray.govern.face_counters import CameraCounters
    from lfr_ray.site.timed_tasks import Schedule
    from lfr_ray.site.watch_for_stops import SwitchWatch

DATABASE_S = 1.0
"""A database that gives no answer within this time does not answer."""


@dataclass(frozen=True)
class _Opened:
    """What works on the database."""

    alerts: AlertService
    webhooks: WebhookStore
    schedule: Schedule
    ways_out: WaysOut
    watch: SwitchWatch

    async def work(self) -> None:
        """Deliver what goes out and look at the switches, until cancelled."""
        await asyncio.gather(self.ways_out.run(), self.watch.run())


class DeskActor(DeskAccount, LocalAlerts):
    """One order of events for a whole site. It answers what HTTP asks as ``LocalAlerts`` does, and adds to it.

    * opening the database with the first question, and again where that failed;
    * the delivery to whoever is told, and what is due by the clock, beside everything else;
    * counting.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site, self._digest, self._clock = site, digest_of(site), SystemClock()
        self._opening: Opening[_Opened] = Opening("the database of the alerts", self._open)
        self._delivery: asyncio.Task[None] | None = None
        self._meter, self._traces = Meter(), Traces(site.outputs.traces, site.site, "desk")
        self._turn, self._beginning = asyncio.Lock(), asyncio.Lock()
        self._seen: dict[str, CameraCounters] = {}
        self._looking: asyncio.Task[None] | None = None

    async def ready(self) -> bool:
        """The database is open, or an LfrError until a later question opens it; delivery begins with the first."""
        async with self._beginning:
            if self._opening.opened is None or self._delivery is None or self._delivery.done():
                opened = await asyncio.to_thread(self._opening.get)
                await asyncio.to_thread(opened.alerts.report)
                await asyncio.to_thread(opened.schedule.begin)
                self._delivery = asyncio.create_task(opened.work())
        return True

    async def said(self) -> DeskSaid:
        """How it is, answered beside its work. A database that hangs is asked once, and waited for by one alone."""
        fault = self._opening.fault
        if not fault:
            if self._looking is None or self._looking.done():
                alerts = self._opening.get().alerts
                self._looking = asyncio.create_task(asyncio.to_thread(alerts.look))
                await asyncio.wait({self._looking}, timeout=DATABASE_S)
            error = self._looking.exception() if self._looking.done() else "the database does not answer"
            fault = str(error or "")
        return DeskSaid(self._digest, fault)

    async def keep_up(
        self, seen: dict[str, CameraCounters], refusal: str = "", cameras: Mapping[str, str] | None = None
    ) -> None:
        """What is due by the clock; ``seen`` is what every camera counted since it was started."""
        await self.ready()  # after a restart nobody else asks
        self._opening.get().watch.refused(refusal)
        self._opening.get().ways_out.hear(cameras or {})
        async with self._turn:
            await asyncio.to_thread(self._opening.get().schedule.tick, seen)
            self._seen = seen

    async def raise_alert(self, sighting: Sighting) -> None:
        """Durable before it answers; see :meth:`AlertService.raise_alert`."""
        if self._opening.opened is None:
            await self.ready()
        began_at, receipt = time.time(), await asyncio.to_thread(self._alerts.raise_alert, sighting)
        self._traces.recorded(receipt.alert_id, sighting.traceparent, began_at)

    async def record_removals(self, camera: str, run: str, told: int, sha256s: list[str]) -> bool:
        """On record before it answers: pictures that a camera deleted after use."""
        await asyncio.to_thread(self._opening.get().schedule.record_removals, camera, run, told, sha256s)
        return True

    async def snapshot(self) -> Snapshot:
        """What this actor counted, and what waits here."""
        from lfr_ray.alert.backlog_metrics import waiting

        self._meter.gauge("memory_rss_bytes", resident_bytes(), process="desk")
        if (opened := self._opening.opened) is not None:
            found = await asyncio.to_thread(waiting, opened.alerts.store, opened.webhooks, self._clock.wall_s())
            for name, value in {**found, **opened.watch.gauges()}.items():
                self._meter.gauge(name, value)
        return self._meter.snapshot()

    async def stop(self) -> None:
        """Record the last counts and end the delivery; what was not delivered is sent after the next start."""
        if self._opening.opened is not None:
            async with self._turn:
                await asyncio.to_thread(self._opening.opened.schedule.end, self._seen)
        if self._delivery is not None:
            self._delivery.cancel()

    def _services(self) -> tuple[AlertService, WebhookStore]:
        return (opened := self._opening.now()).alerts, opened.webhooks

    def _open(self) -> _Opened:
        from lfr_ray.actors.node_leftover_scan import searching
        from lfr_ray.alert.backlog_metrics import count_step
        from lfr_ray.alert.start_deliveries import WaysOut
        from lfr_ray.alert.webhook_store import WebhookStore
        from lfr_ray.site.open_site import OpenedAlerts
        from lfr_ray.site.push_alerts import handsets
        from lfr_ray.site.timed_tasks import Schedule
        from lfr_ray.site.watch_for_stops import SwitchWatch

        opened = OpenedAlerts(self._site, self._clock, partial(count_step, self._meter))
        targets = self._site.outputs.webhooks or (None if self._site.authority.kind == "test" else ())
        alerts, webhooks = opened.service, WebhookStore(opened.service.store.database, targets)
        ways_out = WaysOut(self._site, alerts, webhooks, self._clock, self._meter, self._traces, handsets(self._site))
        watch = SwitchWatch(opened.storage.data_dir, alerts.tell)
        storage = replace(opened.storage, elsewhere=searching(self._site))
        return _Opened(alerts, webhooks, Schedule(self._site, storage, self._clock), ways_out, watch)
