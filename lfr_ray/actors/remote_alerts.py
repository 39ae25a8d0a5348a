"""The site's alerts as the HTTP routes see them: the alert desk's actor."""

from __future__ import annotations

from collections.abc import Sequence

# A handle loads its actor's class. The first request should not wait for that.
import lfr_ray.actors.desk_actor  # noqa: F401
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import Names, alive
from lfr_ray.actors.actor_protocols import DeskCalls
from lfr_ray.actors.passed_on import asked
from lfr_ray.alert import alert_queries
from lfr_ray.config import SiteConfig
from lfr_ray.records import Alert, FeedEvent

ANSWER_S = 5.0
"""The desk writes before it answers; beyond this it does not answer."""


def every_alert(desk: Handle[DeskCalls]) -> list[Alert]:
    """Every alert, oldest first, for those who are not in an event loop."""
    return list(alert_queries.every_alert(lambda query: desk.ask(DeskCalls.list, query).wait()))


class RemoteAlerts:
    """The desk actor as :class:`~lfr_ray.api.alert_and_site_ports.AlertsPort`."""

    def __init__(self, site: SiteConfig) -> None:
        self._names = Names.of(site)

    def _desk(self, wait_s: float = 0.0) -> Handle[DeskCalls]:
        return alive(self._names.find_desk(), "the alert desk").limited(wait_s + ANSWER_S)

    list = asked(DeskCalls.list, _desk)
    get = asked(DeskCalls.get, _desk)
    own_records = asked(DeskCalls.own_records, _desk)
    image = asked(DeskCalls.image, _desk)
    record = asked(DeskCalls.record, _desk)
    hold = asked(DeskCalls.hold, _desk)
    release = asked(DeskCalls.release, _desk)
    newest_event_id = asked(DeskCalls.newest_event_id, _desk)
    consulted = asked(DeskCalls.consulted, _desk)
    people_changed = asked(DeskCalls.people_changed, _desk)
    paused_reason = asked(DeskCalls.paused_reason, _desk)
    webhooks = asked(DeskCalls.webhooks, _desk)
    add_webhook = asked(DeskCalls.add_webhook, _desk)
    remove_webhook = asked(DeskCalls.remove_webhook, _desk)
    test_webhook = asked(DeskCalls.test_webhook, _desk)
    dead_letters = asked(DeskCalls.dead_letters, _desk)
    send_again = asked(DeskCalls.send_again, _desk)
    drop_letter = asked(DeskCalls.drop_letter, _desk)

    async def events_after(self, event_id: int, wait_s: float) -> Sequence[FeedEvent]:
        """The feed after an id; where nothing is new, what comes within ``wait_s``."""
        return await self._desk(wait_s).ask(DeskCalls.events_after, event_id, wait_s)
