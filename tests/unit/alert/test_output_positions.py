"""Positions of outputs: durable, and told to the ledger when outputs come and go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.output_positions import OutputStore
from lfr_ray.records import Sighting

Make = Callable[..., Sighting]
TARGET = "mqtts://broker.example:8883"


@pytest.fixture
def desk(open_alerts: Callable[..., AlertService]) -> AlertService:
    return open_alerts()


@pytest.fixture
def store(desk: AlertService) -> OutputStore:
    return OutputStore(desk.store.database)


def told(desk: AlertService) -> list[tuple[str, object]]:
    found = desk.store.events_after(0)
    return [(one.kind, one.facts["to"]) for one in found if one.kind.startswith("webhook")]


def test_a_new_output_begins_with_what_comes_and_an_old_one_where_it_was(
    desk: AlertService, store: OutputStore, make_sighting: Make
) -> None:
    desk.raise_alert(make_sighting())
    newest = desk.store.newest_event_id()
    store.begin({"control": TARGET}, 1.0)
    assert store.sent_event_id("control") == newest
    store.mark("control", newest + 1)
    desk.raise_alert(make_sighting("later", match={"entry_id": "e2"}))
    again = OutputStore(Database(str(desk.store.database.engine.url)))
    again.begin({"control": TARGET, "soc": "syslog+tls://soc:6514"}, 2.0)
    assert again.sent_event_id("control") == newest + 1
    assert again.sent_event_id("soc") == newest + 2


def test_receivers_that_come_change_and_go_are_told(desk: AlertService, store: OutputStore) -> None:
    for targets in ({"control": TARGET}, {"control": TARGET}, {"control": "mqtts://other:8883"}, {}):
        store.begin(targets, 1.0)
    assert told(desk) == [
        ("webhook_added", TARGET),
        ("webhook_added", "mqtts://other:8883"),
        ("webhook_removed", "mqtts://other:8883"),
    ]
