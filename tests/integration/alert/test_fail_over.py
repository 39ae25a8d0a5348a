"""A standby that was behind takes over while the desk lives on: the alerts' database has lost what was told of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.event_stream import Feed
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.alert_and_site_ports import LocalAlerts
from lfr_ray.clock import SystemClock
from lfr_ray.config import AlertConfig, AuthorityConfig, SiteConfig
from lfr_ray.errors import StoreError
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.records import Sighting
from lfr_ray.site.open_site import OpenedAlerts
from tests.disk import RefusingDisk

Make = Callable[..., Sighting]
LOST = "the alerts' database lost events"
AS_IT_WAS = "SELECT setval('events_event_id_seq', 1)"
AHEAD = "SELECT setval('events_event_id_seq', 33)"
"""PostgreSQL tells its standbys of a sequence's next 32 numbers at a time."""


@pytest.fixture
def open_desk(clean_postgres_url: str, tmp_path: Path) -> Iterator[Callable[[], OpenedAlerts]]:
    site = SiteConfig(
        site="s",
        data_dir=tmp_path / "data",
        authority=AuthorityConfig(kind="test"),
        alert=AlertConfig(database_url=clean_postgres_url),
    )
    made: list[OpenedAlerts] = []

    def opened() -> OpenedAlerts:
        made.append(OpenedAlerts(site, SystemClock()))
        return made[-1]

    yield opened
    for one in made:
        one.storage.ledger.close()
        one.storage.alerts.database.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> RefusingDisk:
    made = RefusingDisk()
    monkeypatch.setattr("lfr_ray.govern.ledger.write_all", made)
    return made


def fail_over(desk: OpenedAlerts, sequence: str) -> None:
    """What came after the first event had not reached the standby."""
    with desk.storage.alerts.database.engine.begin() as connection:
        for table in ("sightings", "images", "alerts"):
            later = "(SELECT alert_id FROM events WHERE event_id > 1)"
            connection.execute(text(f"DELETE FROM {table} WHERE alert_id IN {later}"))
        connection.execute(text("DELETE FROM events WHERE event_id > 1"))
        connection.execute(text(sequence))


def on_record(desk: OpenedAlerts, what: str) -> list[dict[str, Any]]:
    return [one for one in read_records(desk.storage.data_dir) if one["what"] == what]


class Source(LocalAlerts):
    """The desk as a stream asks it."""

    def __init__(self, service: AlertService) -> None:
        self._service = service

    def _services(self) -> tuple[AlertService, WebhookStore]:
        return self._service, WebhookStore(self._service.store.database)


@pytest.mark.parametrize("looks", [True, False])
@pytest.mark.parametrize("sequence", [AS_IT_WAS, AHEAD])
def test_the_next_alert_has_a_fresh_id_and_the_loss_is_on_record_once(
    open_desk: Callable[[], OpenedAlerts], make_sighting: Make, sequence: str, looks: bool
) -> None:
    desk = open_desk()
    for number in range(3):
        desk.service.raise_alert(make_sighting(f"before-{number}", camera=f"camera-{number}"))

    async def scenario() -> list[str]:
        stream = await Feed(Source(desk.service)).open(None)
        assert b"id: 3\n" in await anext(stream)
        fail_over(desk, sequence)
        if looks:  # as the desk is asked twice a second; otherwise the next alert comes sooner
            desk.service.look()
        alert_id = desk.service.raise_alert(make_sighting("after", camera="quay")).alert_id
        told = b""
        while not (b"event: alert_raised" in told and b"event: events_lost" in told):
            told += await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return [alert_id, told.decode()]

    alert_id, told = asyncio.run(asyncio.wait_for(scenario(), 60))
    assert alert_id in told
    desk.service.look()
    again = open_desk()
    again.service.report()
    again.service.raise_alert(make_sighting("later", camera="lane"))
    ids = [event.id for event in again.service.events_after(0)]
    assert ids[0] == 1
    assert min(ids[1:]) > 3
    raised = [(one["subject"], one["facts"]["event_id"]) for one in on_record(desk, "alert raised")]
    assert len(raised) == len({event_id for _, event_id in raised}) == 5
    assert alert_id in dict(raised)
    (lost,) = on_record(desk, LOST)
    assert lost["kind"] == "incident"
    assert (lost["facts"]["lost_after"], lost["facts"]["lost_until"]) == (1, 3)


def test_an_alert_that_the_ledger_could_not_take_before_is_recorded_anew_under_an_id_of_its_own(
    open_desk: Callable[[], OpenedAlerts], make_sighting: Make, disk: RefusingDisk
) -> None:
    desk = open_desk()
    desk.service.raise_alert(make_sighting())
    disk.refusals = 1
    with pytest.raises(StoreError):
        desk.service.raise_alert(make_sighting("second", camera="quay"))
    fail_over(desk, AS_IT_WAS)
    alert_id = desk.service.raise_alert(make_sighting("second", camera="quay")).alert_id
    raised = [(one["facts"]["event_id"], one["subject"]) for one in on_record(desk, "alert raised")]
    assert [event_id for event_id, _ in raised[:2]] == [1, 2]
    assert raised[2][1] == alert_id
    assert raised[2][0] > 2
    assert len(on_record(desk, LOST)) == 1


def test_a_desk_that_starts_on_a_database_behind_its_ledger_says_so_once(
    open_desk: Callable[[], OpenedAlerts], make_sighting: Make, disk: RefusingDisk
) -> None:
    desk = open_desk()
    for number in range(3):
        desk.service.raise_alert(make_sighting(f"before-{number}", camera=f"camera-{number}"))
    fail_over(desk, AS_IT_WAS)
    disk.refusals = 1
    with pytest.raises(StoreError):
        open_desk().service.report()  # it ends before that is on record
    for _ in range(2):
        open_desk().service.report()
    assert len(on_record(desk, LOST)) == 1


def test_a_stop_that_was_lost_is_told_again_and_so_is_its_end(
    open_desk: Callable[[], OpenedAlerts], make_sighting: Make
) -> None:
    desk = open_desk()
    desk.service.raise_alert(make_sighting())
    desk.service.tell("stop", "disorder")
    fail_over(desk, AS_IT_WAS)
    desk.service.look()
    desk.service.tell("stop", "disorder")  # as whoever watches the switch does again and again
    desk.service.tell("stop", "")
    kinds = [event.kind for event in desk.service.events_after(1)]
    assert kinds == ["events_lost", "matching_stopped", "matching_resumed"]
