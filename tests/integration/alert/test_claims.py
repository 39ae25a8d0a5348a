"""Of many officers who take one alert at once, one has it; of many who decide it at once, one has decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.alert_and_site_ports import LocalAlerts
from lfr_ray.clock import SystemClock
from lfr_ray.errors import ConflictError, StoreError
from lfr_ray.records import Alert, CaseRecord, Sighting

OFFICERS = 1000


def at_once(port: LocalAlerts, alert_id: str, kind: str, value: str) -> list[Alert | BaseException]:
    async def recorded() -> list[Alert | BaseException]:
        drafts = [CaseRecord(kind, f"PC{number}", value) for number in range(OFFICERS)]
        return await asyncio.gather(*(port.record(alert_id, one) for one in drafts), return_exceptions=True)

    return asyncio.run(recorded())


def test_of_a_thousand_decisions_at_once_one_stands(
    sqlite_url: str, desk_on: Callable[..., AlertService], make_sighting: Callable[..., Sighting]
) -> None:
    database = Database(sqlite_url)
    desk = desk_on(database)
    alert_id = desk.raise_alert(make_sighting()).alert_id
    port = LocalAlerts(desk, WebhookStore(database), SystemClock())
    answers = at_once(port, alert_id, "decision", "not_a_match")
    (decided,) = [one.decision for one in answers if isinstance(one, Alert)]
    assert decided is not None
    # On a busy machine one may be told that the database is busy: refused as well.
    assert len([one for one in answers if isinstance(one, ConflictError | StoreError)]) == OFFICERS - 1
    alert = desk.get(alert_id)
    assert alert.decision == decided
    assert [record.officer for record in alert.history] == [decided.officer]
    database.close()


def test_of_a_thousand_claims_at_once_one_wins_and_the_others_hear_whose_it_is(
    sqlite_url: str, desk_on: Callable[..., AlertService], make_sighting: Callable[..., Sighting]
) -> None:
    database = Database(sqlite_url)
    told: list[str] = []
    desk = desk_on(database, on_event=lambda kind, _facts: told.append(kind))
    alert_id = desk.raise_alert(make_sighting()).alert_id
    port = LocalAlerts(desk, WebhookStore(database), SystemClock())

    answers = at_once(port, alert_id, "claim", "taken")
    (winner,) = [one.claim for one in answers if isinstance(one, Alert)]
    assert winner is not None
    refused = [one for one in answers if isinstance(one, ConflictError)]
    assert len(refused) == OFFICERS - 1
    assert all(winner.officer in one.got for one in refused)
    assert desk.get(alert_id).claim == winner
    assert told == ["alert_raised", "claim"]
    assert [event.kind for event in desk.store.events_after(0)] == ["alert_raised", "claim"]
    database.close()
    again = desk_on(Database(sqlite_url))
    assert again.get(alert_id).claim == winner, "durable"
    again.store.database.close()
