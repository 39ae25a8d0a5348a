"""What the HTTP routes need of what is behind them: the alerts, a view of the site, its watchlist and its deployments.

All are asynchronous, so that actors can stand behind them as well as plain objects of this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lfr_ray.api.site_state import (
    CameraState,
    ClosedDeployment,
    DeploymentList,
    LedgerPage,
    LedgerVerdict,
    OpenedDeployment,
    ProposedAuthority,
    RecordSoFar,
    SitePlan,
    Switched,
    WatchlistState,
)
from lfr_ray.clock import Clock
from lfr_ray.focus_config import CameraFocus
from lfr_ray.metrics import Snapshot
from lfr_ray.records import Alert, AlertPage, CaseRecord, Facts, FeedEvent, ShownRecord

if TYPE_CHECKING:
    # Every camera loads this file with its handle of the alert desk, and has no use for a database.
    from lfr_ray.alert.alert_queries import AlertQuery
    from lfr_ray.alert.alert_service import AlertService
    from lfr_ray.alert.dead_letters import DeadLetterList
    from lfr_ray.alert.webhook_store import Format, WebhookState, WebhookStore
    from lfr_ray.match.keeper_answers import ListApproval, ListedEntry, ListPage, ListProposal, ListQuery, PictureCheck

LOOK_S = 0.05
"""How often a reader that waits looks whether this process has written to the database."""
FOREIGN_LOOK_S = 1.0
"""How often it asks the database, to which another process may have written."""


class AlertsPort(Protocol):
    """Alerts, as :class:`lfr_ray.alert.alert_service.AlertService` has them, but awaited."""

    async def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""

    async def get(self, alert_id: str, reader: str = "") -> Alert:
        """One alert, as this reader may see it."""

    async def own_records(self, alert_id: str, officer: str) -> tuple[ShownRecord, ...]:
        """What an officer recorded of an alert themselves."""

    async def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG of an alert."""

    async def record(self, alert_id: str, draft: CaseRecord, request_key: str = "") -> Alert:
        """Record a decision or an outcome."""

    async def hold(self, alert_id: str, *, by: str, reason: str) -> Alert:
        """Keep an alert beyond its retention time."""

    async def release(self, alert_id: str, *, by: str) -> Alert:
        """Let a held alert go."""

    async def events_after(self, event_id: int, wait_s: float) -> Sequence[FeedEvent]:
        """Events after an id; where nothing is new, what comes within ``wait_s``."""

    async def newest_event_id(self) -> int:
        """The newest event's id."""

    async def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking, before it is shown."""

    async def people_changed(self, kind: str, *, by: str, person: str, facts: Facts) -> None:
        """Account for a token that was given out or revoked."""

    async def paused_reason(self) -> str:
        """Why alerts are paused; empty when they are not."""

    async def webhooks(self) -> Sequence[WebhookState]:
        """Every webhook, without its secret."""

    async def add_webhook(
        self, url: str, kinds: tuple[str, ...], *, by: str, format: Format = "standard"
    ) -> WebhookState:
        """A new webhook, with its secret this once."""

    async def remove_webhook(self, webhook_id: str, *, by: str) -> None:
        """Tell a webhook nothing more."""

    async def test_webhook(self, webhook_id: str, *, by: str) -> None:
        """Send a webhook a test event."""

    async def dead_letters(self, webhook_id: str) -> DeadLetterList:
        """Events that a webhook's receiver refused."""

    async def send_again(self, webhook_id: str, event_id: int) -> None:
        """Send one of them again."""

    async def drop_letter(self, webhook_id: str, event_id: int, *, by: str) -> None:
        """Forget one of them."""


class ListPort(Protocol):
    """The watchlist, entry by entry; see :class:`lfr_ray.enrol.watchlist_keeper.ListKeeper`."""

    async def check_picture(self, picture: bytes, *, face: int | None, by: str, reason: str) -> PictureCheck:
        """What would become of a picture; nothing of it is kept."""

    async def list_entries(self, query: ListQuery, *, by: str, reason: str) -> ListPage:
        """Entries, page by page."""

    async def add_entry(
        self, cells: Mapping[str, str], picture: bytes, *, face: int | None, by: str, same_person: bool = False
    ) -> ListedEntry:
        """Put somebody on the list."""

    async def add_picture(self, entry_id: str, picture: bytes, *, face: int | None, by: str) -> ListedEntry:
        """Add a picture to an entry."""

    async def change_entry(self, entry_id: str, changes: Mapping[str, Any], *, by: str, reason: str) -> ListedEntry:
        """Say something else of an entry."""

    async def remove_entry(self, entry_id: str, *, by: str, reason: str) -> None:
        """Take somebody off the list."""

    async def take_back(self, entry_id: str, *, by: str) -> None:
        """Erase what waits of an entry."""

    async def proposal(self) -> ListProposal:
        """What an approver would sign."""

    async def approve(self, content_hash: str, signature: Mapping[str, Any], *, by: str) -> ListApproval:
        """Freeze the list by an approver's signature."""


class DeploymentPort(Protocol):
    """The deployment that the site's file names; see :mod:`lfr_ray.site.open_deployment`."""

    async def propose(self, asked: Mapping[str, Any]) -> ProposedAuthority:
        """What an officer would sign."""

    async def take_in(self, authority: Mapping[str, Any], signature: Mapping[str, Any], *, by: str) -> OpenedDeployment:
        """Open it by an authority that was signed elsewhere."""

    async def open_own(self, *, hours: float | None, consents: Mapping[str, float], by: str) -> OpenedDeployment:
        """Open a test or a trial."""

    async def close_own(self, deployment: str, *, by: str, reason: str) -> ClosedDeployment:
        """Close it and destroy what it held."""


class SiteView(ListPort, DeploymentPort, Protocol):
    """What a site shows of itself, and its two switches."""

    async def cameras(self) -> Sequence[CameraState]:
        """Every camera."""

    async def watchlist(self) -> WatchlistState:
        """The list in force: counts, hash, model; no pictures."""

    async def deployments(self) -> DeploymentList:
        """Deployments and the emergency stop."""

    async def stop(self, *, officer: str, reason: str) -> Switched:
        """The emergency stop: no matching anywhere when it returns."""

    async def resume(self, *, officer: str, reason: str) -> Switched:
        """Lift the emergency stop."""

    async def preview(self, name: str) -> bytes:
        """What a camera sees now, every face hidden, as a JPEG."""

    async def set_focus(self, name: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        """Set where a camera looks."""

    async def take_recording(self, camera: str, video: bytes, *, by: str) -> None:
        """Put a recording before a camera of a test."""

    async def plan(self) -> SitePlan:
        """Where the cameras are."""

    async def plan_picture(self) -> bytes:
        """The operator's plan, as a JPEG."""

    async def record(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""

    async def readiness(self) -> dict[str, str]:
        """Of each part: empty when it is ready, otherwise why not."""

    async def snapshot(self) -> Snapshot:
        """The metrics of all processes, added up."""


class LocalAlerts:
    """Alerts of this process, the database's work done outside the event loop."""

    def __init__(self, alerts: AlertService, webhooks: WebhookStore, clock: Clock) -> None:
        self._given = alerts, webhooks
        self._clock = clock

    def _services(self) -> tuple[AlertService, WebhookStore]:
        return self._given

    @property
    def _alerts(self) -> AlertService:
        return self._services()[0]

    @property
    def _webhooks(self) -> WebhookStore:
        return self._services()[1]

    async def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        return await asyncio.to_thread(self._alerts.list, query)

    async def get(self, alert_id: str, reader: str = "") -> Alert:
        """One alert, as this reader may see it."""
        return await asyncio.to_thread(self._alerts.get, alert_id, reader)

    async def own_records(self, alert_id: str, officer: str) -> tuple[ShownRecord, ...]:
        """What an officer recorded of an alert themselves."""
        return await asyncio.to_thread(self._alerts.own_records, alert_id, officer)

    async def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG of an alert."""
        return await asyncio.to_thread(self._alerts.store.image, alert_id, kind)

    async def record(self, alert_id: str, draft: CaseRecord, request_key: str = "") -> Alert:
        """Record a decision or an outcome."""
        return await asyncio.to_thread(self._alerts.record, alert_id, draft, request_key)

    async def hold(self, alert_id: str, *, by: str, reason: str) -> Alert:
        """Keep an alert beyond its retention time."""
        return await asyncio.to_thread(self._alerts.hold, alert_id, by=by, reason=reason)

    async def release(self, alert_id: str, *, by: str) -> Alert:
        """Let a held alert go."""
        return await asyncio.to_thread(self._alerts.release, alert_id, by=by)

    async def events_after(self, event_id: int, wait_s: float) -> Sequence[FeedEvent]:
        """Events after an id; where nothing is new, what comes within ``wait_s``."""
        until_s = time.monotonic() + wait_s
        database = self._alerts.store.database
        while True:
            seen = database.writes
            events = await asyncio.to_thread(self._alerts.events_after, event_id)
            if events or time.monotonic() >= until_s:
                return events
            ask_s = min(until_s, time.monotonic() + FOREIGN_LOOK_S)
            while database.writes == seen and time.monotonic() < ask_s:  # noqa: ASYNC110  (threads write)
                await asyncio.sleep(LOOK_S)

    async def newest_event_id(self) -> int:
        """The newest event's id."""
        return await asyncio.to_thread(self._alerts.store.newest_event_id)

    async def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking, before it is shown."""
        await asyncio.to_thread(self._alerts.consulted, who=who, what=what, alert_id=alert_id, reason=reason)

    async def people_changed(self, kind: str, *, by: str, person: str, facts: Facts) -> None:
        """Account for a token that was given out or revoked."""
        await asyncio.to_thread(self._alerts.people_changed, kind, by=by, person=person, facts=facts)

    async def paused_reason(self) -> str:
        """Why alerts are paused; empty when they are not."""
        return await asyncio.to_thread(self._alerts.store.paused_reason)

    async def webhooks(self) -> Sequence[WebhookState]:
        """Every webhook, without its secret."""
        counts = await asyncio.to_thread(self._webhooks.letters.counts)
        found = await asyncio.to_thread(self._webhooks.all)
        return [one.shown(dead_letters=counts.get(one.subscription_id, 0)) for one in found]

    async def add_webhook(
        self, url: str, kinds: tuple[str, ...], *, by: str, format: Format = "standard"
    ) -> WebhookState:
        """A new webhook, with its secret this once."""
        made = await asyncio.to_thread(self._webhooks.add, url, kinds, by=by, now_s=self._clock.wall_s(), format=format)
        await asyncio.to_thread(self._alerts.report)
        return made.shown(with_secret=True)

    async def remove_webhook(self, webhook_id: str, *, by: str) -> None:
        """Tell a webhook nothing more."""
        await asyncio.to_thread(self._webhooks.remove, webhook_id, by=by, now_s=self._clock.wall_s())
        await asyncio.to_thread(self._alerts.report)

    async def test_webhook(self, webhook_id: str, *, by: str) -> None:
        """Send a webhook a test event."""
        await asyncio.to_thread(self._webhooks.test, webhook_id, by=by, now_s=self._clock.wall_s())
        await asyncio.to_thread(self._alerts.report)

    async def dead_letters(self, webhook_id: str) -> DeadLetterList:
        """Events that a webhook's receiver refused."""
        return await asyncio.to_thread(self._webhooks.letters.shown, webhook_id)

    async def send_again(self, webhook_id: str, event_id: int) -> None:
        """Send one of them again."""
        await asyncio.to_thread(self._webhooks.letters.send_again, webhook_id, event_id, self._clock.wall_s())

    async def drop_letter(self, webhook_id: str, event_id: int, *, by: str) -> None:
        """Forget one of them."""
        await asyncio.to_thread(self._webhooks.letters.drop, webhook_id, event_id, by=by, now_s=self._clock.wall_s())
        await asyncio.to_thread(self._alerts.report)
