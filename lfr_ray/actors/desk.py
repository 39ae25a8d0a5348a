"""The alert desk as an actor. It loads its database itself, so that its callers need not (see ``matcher.py``)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lfr_ray.api.ports import LocalAlerts
from lfr_ray.api.site_state import Hour, LedgerPage, LedgerVerdict, RecordSoFar
from lfr_ray.clock import SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.metrics import Meter, Snapshot, resident_bytes
from lfr_ray.records import Sighting

if TYPE_CHECKING:
    from lfr_ray.govern.counters import CameraCounters


class DeskActor(LocalAlerts):
    """One order of events for a whole site. It answers what HTTP asks as ``LocalAlerts`` does, and adds to it.

    * the delivery to webhooks, and what is due by the clock, beside everything else;
    * counting;
    * the account of the site, out of its ledger.
    """

    def __init__(self, site: SiteConfig) -> None:
        from lfr_ray.alert.webhook_store import WebhookStore
        from lfr_ray.alert.webhooks import Deliverer
        from lfr_ray.site.open import OpenedAlerts
        from lfr_ray.site.schedule import Schedule

        clock = SystemClock()
        opened = OpenedAlerts(site, clock)
        webhooks = WebhookStore(opened.service.store.database)
        super().__init__(opened.service, webhooks, clock)
        self._site, self._storage = site, opened.storage
        self._schedule = Schedule(site, opened.storage, clock)
        self._deliverer = Deliverer(
            webhooks, self._alerts.completed, self._alerts, clock, database_id=self._alerts.store.database_id()
        )
        self._delivery: asyncio.Task[None] | None = None
        self._meter = Meter()
        self._turn = asyncio.Lock()
        self._seen: dict[str, CameraCounters] = {}

    async def ready(self) -> bool:
        """The database is open; delivery begins with the first question."""
        if self._delivery is None or self._delivery.done():
            self._delivery = asyncio.create_task(self._deliverer.run())
            await asyncio.to_thread(self._alerts.report)
            await asyncio.to_thread(self._schedule.begin)
        return True

    async def keep_up(self, seen: dict[str, CameraCounters]) -> None:
        """What is due by the clock; ``seen`` is what every camera counted since it was started."""
        await self.ready()  # after a restart nobody else asks
        async with self._turn:
            await asyncio.to_thread(self._schedule.tick, seen)
            self._seen = seen

    async def raise_alert(self, sighting: Sighting) -> None:
        """Durable before it answers; see :meth:`AlertService.raise_alert`."""
        receipt = await asyncio.to_thread(self._alerts.raise_alert, sighting)
        name = "alerts_total" if receipt.new else "sightings_attached_total"
        self._meter.count(name, camera=sighting.camera)

    async def record_so_far(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""
        from lfr_ray.site.account import record_so_far

        record, hours = await asyncio.to_thread(record_so_far, self._storage, self._site, self._clock.wall_s())
        return RecordSoFar(record, tuple(Hour(*one) for one in hours))

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""
        from lfr_ray.govern.keys import trusted_keys
        from lfr_ray.govern.ledger_verify import verify_ledger

        folder = self._storage.data_dir
        found = await asyncio.to_thread(verify_ledger, folder, trusted_keys(folder))
        return LedgerVerdict(found.holds, tuple(found.faults), found.records, found.sealed, found.head)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""
        from lfr_ray.site.account import LedgerQuery, ledger_records

        query = LedgerQuery(kind, text, since, before, limit)
        found = await asyncio.to_thread(ledger_records, self._storage.data_dir, query)
        return LedgerPage(tuple(found), found[-1]["n"] if len(found) == limit else None)

    async def record_removals(self, camera: str, sha256s: list[str]) -> bool:
        """On record before it answers: pictures that a camera deleted after use."""
        await asyncio.to_thread(self._schedule.record_removals, camera, sha256s)
        return True

    async def snapshot(self) -> Snapshot:
        """What this actor counted."""
        self._meter.gauge("memory_rss_bytes", resident_bytes(), process="desk")
        return self._meter.snapshot()

    async def stop(self) -> None:
        """Record the last counts and end the delivery; what was not delivered is sent after the next start."""
        async with self._turn:
            await asyncio.to_thread(self._schedule.count, self._seen)
        if self._delivery is not None:
            self._delivery.cancel()
