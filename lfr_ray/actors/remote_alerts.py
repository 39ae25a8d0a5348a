"""The site's alerts as the HTTP routes see them: the alert desk's actor."""

from __future__ import annotations

from collections.abc import Sequence

# A handle loads its actor's class. The first request should not wait for that.
import lfr_ray.actors.desk  # noqa: F401
from lfr_ray.actors.names import Names, alive
from lfr_ray.actors.protocols import DeskCalls
from lfr_ray.actors.rpc import Handle
from lfr_ray.alert import queries
from lfr_ray.alert.dead_letters import DeadLetterList
from lfr_ray.alert.queries import AlertQuery
from lfr_ray.alert.webhook_store import Format, WebhookState
from lfr_ray.config import SiteConfig
from lfr_ray.records import Alert, AlertPage, CaseRecord, Facts, FeedEvent, ShownRecord

ANSWER_S = 5.0
"""The desk writes before it answers; beyond this it does not answer."""


def every_alert(desk: Handle[DeskCalls]) -> list[Alert]:
    """Every alert, oldest first, for those who are not in an event loop."""
    return list(queries.every_alert(lambda query: desk.ask(DeskCalls.list, query).wait()))


class RemoteAlerts:
    """The desk actor as :class:`~lfr_ray.api.ports.AlertsPort`."""

    def __init__(self, site: SiteConfig) -> None:
        self._names = Names.of(site)

    async def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        return await self._desk().ask(DeskCalls.list, query)

    async def get(self, alert_id: str, reader: str = "") -> Alert:
        """One alert, as this reader may see it."""
        return await self._desk().ask(DeskCalls.get, alert_id, reader)

    async def own_records(self, alert_id: str, officer: str) -> tuple[ShownRecord, ...]:
        """What an officer recorded of an alert themselves."""
        return await self._desk().ask(DeskCalls.own_records, alert_id, officer)

    async def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG of an alert."""
        return await self._desk().ask(DeskCalls.image, alert_id, kind)

    async def record(self, alert_id: str, draft: CaseRecord, request_key: str = "") -> Alert:
        """Record a decision or an outcome."""
        return await self._desk().ask(DeskCalls.record, alert_id, draft, request_key)

    async def hold(self, alert_id: str, *, by: str, reason: str) -> Alert:
        """Keep an alert beyond its retention time."""
        return await self._desk().ask(DeskCalls.hold, alert_id, by=by, reason=reason)

    async def release(self, alert_id: str, *, by: str) -> Alert:
        """Let a held alert go."""
        return await self._desk().ask(DeskCalls.release, alert_id, by=by)

    async def events_after(self, event_id: int, wait_s: float) -> Sequence[FeedEvent]:
        """The feed after an id; where nothing is new, what comes within ``wait_s``."""
        return await self._desk(wait_s).ask(DeskCalls.events_after, event_id, wait_s)

    async def newest_event_id(self) -> int:
        """The newest event's id."""
        return await self._desk().ask(DeskCalls.newest_event_id)

    async def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking, before it is shown."""
        await self._desk().ask(DeskCalls.consulted, who=who, what=what, alert_id=alert_id, reason=reason)

    async def people_changed(self, kind: str, *, by: str, person: str, facts: Facts) -> None:
        """Account for a token that was given out or revoked."""
        await self._desk().ask(DeskCalls.people_changed, kind, by=by, person=person, facts=facts)

    async def paused_reason(self) -> str:
        """Why the desk takes no alerts; empty when it does."""
        return await self._desk().ask(DeskCalls.paused_reason)

    async def webhooks(self) -> Sequence[WebhookState]:
        """Every webhook, without its secret."""
        return await self._desk().ask(DeskCalls.webhooks)

    async def add_webhook(
        self, url: str, kinds: tuple[str, ...], *, by: str, format: Format = "standard"
    ) -> WebhookState:
        """A new webhook, with its secret this once."""
        return await self._desk().ask(DeskCalls.add_webhook, url, kinds, by=by, format=format)

    async def remove_webhook(self, webhook_id: str, *, by: str) -> None:
        """Tell a webhook nothing more."""
        await self._desk().ask(DeskCalls.remove_webhook, webhook_id, by=by)

    async def test_webhook(self, webhook_id: str, *, by: str) -> None:
        """Send a webhook a test event."""
        await self._desk().ask(DeskCalls.test_webhook, webhook_id, by=by)

    async def dead_letters(self, webhook_id: str) -> DeadLetterList:
        """Events that a webhook's receiver refused."""
        return await self._desk().ask(DeskCalls.dead_letters, webhook_id)

    async def send_again(self, webhook_id: str, event_id: int) -> None:
        """Send one of them again."""
        await self._desk().ask(DeskCalls.send_again, webhook_id, event_id)

    async def drop_letter(self, webhook_id: str, event_id: int, *, by: str) -> None:
        """Forget one of them."""
        await self._desk().ask(DeskCalls.drop_letter, webhook_id, event_id, by=by)

    def _desk(self, wait_s: float = 0.0) -> Handle[DeskCalls]:
        return alive(self._names.find_desk(), "the alert desk").limited(wait_s + ANSWER_S)
