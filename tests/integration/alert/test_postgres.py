"""The desk on PostgreSQL keeps the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import pytest
from sqlalchemy import inspect

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_queries import AlertQuery
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.erase_alerts import AlertEraser
from lfr_ray.alert.event_kinds import DEFAULT_KINDS
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.errors import ConflictError, NotFoundError, StoreError
from lfr_ray.records import CaseRecord, Details, Sighting
from tests.older_alerts import OLDER, make_older

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]
DeskOn = Callable[..., AlertService]


@pytest.fixture
def database(clean_postgres_url: str) -> Iterator[Database]:
    opened = Database(clean_postgres_url)
    yield opened
    opened.close()


def test_from_sighting_to_erasure(desk_on: DeskOn, database: Database, make_sighting: Make) -> None:
    desk = desk_on(database)
    alert_id = desk.raise_alert(make_sighting()).alert_id
    assert not desk.raise_alert(make_sighting()).new
    assert not desk.raise_alert(make_sighting("tracklet-2")).new
    assert desk.store.image(alert_id, "scene") == make_sighting().scene_jpeg
    desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED), "r1")
    desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED), "r1")
    with pytest.raises(ConflictError):
        desk.record(alert_id, CaseRecord("decision", "PC2", "engage", details=COMPARED))
    desk.record(alert_id, CaseRecord("outcome", "PC1", "stopped", details=Details(minutes=3.5)))
    (listed,) = desk.list(AlertQuery(status="decided", camera="gate")).alerts
    assert listed.outcome.minutes == 3.5
    assert [event.kind for event in desk.events_after(0)] == [
        *("alert_raised", "sighting_attached", "decision", "outcome")
    ]
    eraser = AlertEraser(database)
    assert len(eraser.purge([alert_id], now_s=1.0, reason="retention")) == 1
    assert "write-ahead log" in eraser.vacuum()
    with pytest.raises(NotFoundError):
        desk.get(alert_id)


def test_events_become_visible_in_the_order_of_their_ids(
    desk_on: DeskOn, clean_postgres_url: str, make_sighting: Make
) -> None:
    database = Database(clean_postgres_url, busy_timeout_s=60.0)  # four writers in turn, on a disk that may be slow
    desk = desk_on(database)
    seen: list[int] = []
    raised = Event()

    def follow() -> None:
        more = True
        while more:  # once more after the last was raised
            more = not raised.is_set()
            seen.extend(event.id for event in desk.events_after(seen[-1] if seen else 0))

    with ThreadPoolExecutor(5) as pool:
        follower = pool.submit(follow)
        raisers = [
            pool.submit(desk.raise_alert, make_sighting(f"passage-{number}", camera=f"camera-{number}"))
            for number in range(40)
        ]
        wait(raisers)
        raised.set()
        follower.result()
    database.close()
    assert all(raiser.result().new for raiser in raisers)
    assert len(seen) == len(set(seen)) == 40


def test_a_lock_is_waited_for_and_then_an_error(
    desk_on: DeskOn, database: Database, clean_postgres_url: str, make_sighting: Make
) -> None:
    impatient = Database(clean_postgres_url, busy_timeout_s=0.5)
    desk = desk_on(impatient)
    with database.writing("hold the lock"), pytest.raises(StoreError, match="LockNotAvailable"):
        desk.raise_alert(make_sighting())
    assert desk.raise_alert(make_sighting()).new
    impatient.close()


def test_a_server_that_goes_and_comes_back(
    desk_on: DeskOn, database: Database, make_sighting: Make, postgres: Any
) -> None:
    desk = desk_on(database)
    first = desk.raise_alert(make_sighting())
    postgres.stop()
    with pytest.raises(StoreError) as caught:
        desk.raise_alert(make_sighting("tracklet-2", camera="bridge"))
    assert postgres.password not in f"{caught.value!r} {caught.value}"
    postgres.start()
    assert desk.raise_alert(make_sighting("tracklet-2", camera="bridge")).new
    assert desk.raise_alert(make_sighting()) == type(first)(first.alert_id, new=False)


@pytest.mark.parametrize("version", OLDER)
def test_a_database_of_an_older_version_is_brought_up_with_its_alerts(
    desk_on: DeskOn, database: Database, clean_postgres_url: str, make_sighting: Make, version: int
) -> None:
    receipt = desk_on(database).raise_alert(make_sighting())
    with database.engine.begin() as connection:
        make_older(connection.exec_driver_sql, version)
    with ThreadPoolExecutor(3) as pool:  # the desk's and others of the site, at the same moment
        opened = list(pool.map(lambda _: Database(clean_postgres_url), range(3)))
    again = desk_on(opened[0])
    assert again.get(receipt.alert_id).covered == ""
    assert again.raise_alert(make_sighting("same", run="new")).alert_id == receipt.alert_id
    later = again.raise_alert(make_sighting("later", match={"entry_id": "entry-9", "covered": "lower"}))
    assert again.get(later.alert_id).covered == "lower"
    for one in opened:
        assert {index["name"] for index in inspect(one.engine).get_indexes("alerts")} >= set(tables.LISTED_BY)
        one.close()


def test_a_wrong_password_is_not_shown(postgres: Any) -> None:
    wrong = postgres.url.replace(postgres.password, "hunter22")
    with pytest.raises(StoreError) as caught:
        Database(wrong)
    text = f"{caught.value!r} {caught.value} {caught.value.__cause__}"
    assert "hunter22" not in text
    assert f"127.0.0.1:{postgres.port}" in text


def test_webhooks_are_kept_too(desk_on: DeskOn, database: Database, make_sighting: Make) -> None:
    webhooks = WebhookStore(database)
    made = webhooks.add("https://control.example/a", DEFAULT_KINDS, by="PC1", now_s=1.0)
    alert_id = desk_on(database).raise_alert(make_sighting()).alert_id
    (due,) = webhooks.due(2.0)
    (event,) = webhooks.pending(due)
    assert event.alert_id == alert_id
    webhooks.mark_delivered(made.subscription_id, event.event_id, 3.0)
    assert webhooks.due(4.0) == []
