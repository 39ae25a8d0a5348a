"""What the HTTP routes need of the house behind them: the desk, and a view of the site.

Both are asynchronous, so that actors can stand behind them as well as plain objects of this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from lfr_ray.clock import Clock
from lfr_ray.metrics import Snapshot

if TYPE_CHECKING:
    # Every camera loads this file with its handle of the alert desk, and has no use for a database.
    from lfr_ray.alert.queries import AlertQuery
    from lfr_ray.alert.service import AlertPage, AlertService
    from lfr_ray.alert.webhook_store import WebhookStore

Document = dict[str, Any]
Documents = list[Document]

LOOK_S = 0.1
"""How often a desk in this process is asked for news while a stream waits."""


class AlertsPort(Protocol):
    """The alert desk, as :class:`lfr_ray.alert.service.AlertService` is, but awaited."""

    async def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""

    async def get(self, alert_id: str) -> Document:
        """One alert."""

    async def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG of an alert."""

    async def decide(
        self,
        alert_id: str,
        *,
        officer: str,
        decision: str,
        note: str = "",
        comparison: Mapping[str, str] | None = None,
        corrects: int = 0,
        request_key: str = "",
    ) -> Document:
        """Record a verdict."""

    async def add_outcome(
        self,
        alert_id: str,
        *,
        officer: str,
        outcome: str,
        note: str = "",
        details: Mapping[str, Any] | None = None,
        corrects: int = 0,
        request_key: str = "",
    ) -> Document:
        """Record an outcome."""

    async def hold(self, alert_id: str, *, by: str, reason: str) -> Document:
        """Keep an alert beyond its retention time."""

    async def release(self, alert_id: str, *, by: str) -> Document:
        """Let a held alert go."""

    async def events_after(self, event_id: int, wait_s: float) -> Documents:
        """The feed after an id; where nothing is new, what comes within ``wait_s``."""

    async def newest_event_id(self) -> int:
        """The newest event's id."""

    async def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking, before it is shown."""

    async def paused_reason(self) -> str:
        """Why the desk takes no alerts; empty when it does."""

    async def webhooks(self) -> Documents:
        """Every webhook, without its secret."""

    async def add_webhook(self, url: str, kinds: tuple[str, ...], *, by: str) -> Document:
        """A new webhook, with its secret this once."""

    async def remove_webhook(self, webhook_id: str, *, by: str) -> None:
        """Tell a webhook nothing more."""


class SiteView(Protocol):
    """What a site shows of itself, and its two switches."""

    async def cameras(self) -> Documents:
        """Every camera: ``name`` and ``state``, and what ``CameraDocument`` has besides."""

    async def watchlist(self) -> Document:
        """The list in force: counts, hash, model; no pictures."""

    async def deployments(self) -> Document:
        """``{"deployments": [...], "stop": {...} or None}``."""

    async def stop(self, *, officer: str, reason: str) -> Document:
        """The emergency stop: no matching anywhere when it returns."""

    async def resume(self, *, officer: str, reason: str) -> Document:
        """Lift the emergency stop."""

    async def readiness(self) -> dict[str, str]:
        """Of each part: empty when it is ready, otherwise why not."""

    async def snapshot(self) -> Snapshot:
        """The metrics of all processes, added up."""


class LocalAlerts:
    """A desk of this process, its database work done outside the event loop."""

    def __init__(self, desk: AlertService, webhooks: WebhookStore, clock: Clock) -> None:
        self._desk = desk
        self._webhooks = webhooks
        self._clock = clock

    async def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        return await asyncio.to_thread(self._desk.list, query)

    async def get(self, alert_id: str) -> Document:
        """One alert."""
        return await asyncio.to_thread(self._desk.get, alert_id)

    async def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG of an alert."""
        return await asyncio.to_thread(self._desk.image, alert_id, kind)

    async def decide(
        self,
        alert_id: str,
        *,
        officer: str,
        decision: str,
        note: str = "",
        comparison: Mapping[str, str] | None = None,
        corrects: int = 0,
        request_key: str = "",
    ) -> Document:
        """Record a verdict."""
        return await asyncio.to_thread(
            self._desk.decide,
            alert_id,
            officer=officer,
            decision=decision,
            note=note,
            comparison=comparison,
            corrects=corrects,
            request_key=request_key,
        )

    async def add_outcome(
        self,
        alert_id: str,
        *,
        officer: str,
        outcome: str,
        note: str = "",
        details: Mapping[str, Any] | None = None,
        corrects: int = 0,
        request_key: str = "",
    ) -> Document:
        """Record an outcome."""
        return await asyncio.to_thread(
            self._desk.add_outcome,
            alert_id,
            officer=officer,
            outcome=outcome,
            note=note,
            details=details,
            corrects=corrects,
            request_key=request_key,
        )

    async def hold(self, alert_id: str, *, by: str, reason: str) -> Document:
        """Keep an alert beyond its retention time."""
        return await asyncio.to_thread(self._desk.hold, alert_id, by=by, reason=reason)

    async def release(self, alert_id: str, *, by: str) -> Document:
        """Let a held alert go."""
        return await asyncio.to_thread(self._desk.release, alert_id, by=by)

    async def events_after(self, event_id: int, wait_s: float) -> Documents:
        """The feed after an id; where nothing is new, what comes within ``wait_s``."""
        until_s = time.monotonic() + wait_s
        while True:
            events = await asyncio.to_thread(self._desk.events_after, event_id)
            if events or time.monotonic() >= until_s:
                return events
            await asyncio.sleep(LOOK_S)

    async def newest_event_id(self) -> int:
        """The newest event's id."""
        return await asyncio.to_thread(self._desk.newest_event_id)

    async def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking, before it is shown."""
        await asyncio.to_thread(self._desk.consulted, who=who, what=what, alert_id=alert_id, reason=reason)

    async def paused_reason(self) -> str:
        """Why the desk takes no alerts; empty when it does."""
        return await asyncio.to_thread(self._desk.paused_reason)

    async def webhooks(self) -> Documents:
        """Every webhook, without its secret."""
        from lfr_ray.alert.webhook_store import subscription_document

        return [subscription_document(one) for one in await asyncio.to_thread(self._webhooks.all)]

    async def add_webhook(self, url: str, kinds: tuple[str, ...], *, by: str) -> Document:
        """A new webhook, with its secret this once."""
        from lfr_ray.alert.webhook_store import subscription_document

        made = await asyncio.to_thread(self._webhooks.add, url, kinds, by=by, now_s=self._clock.wall_s())
        await asyncio.to_thread(self._desk.report)
        return subscription_document(made, with_secret=True)

    async def remove_webhook(self, webhook_id: str, *, by: str) -> None:
        """Tell a webhook nothing more."""
        await asyncio.to_thread(self._webhooks.remove, webhook_id, by=by, now_s=self._clock.wall_s())
        await asyncio.to_thread(self._desk.report)
