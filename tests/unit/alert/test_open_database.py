"""One database, opened safely."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_queries import AlertQuery, page_query
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.open_database import Database
from lfr_ray.database_url import shown
from lfr_ray.errors import ConfigError, LfrError, StoreError
from lfr_ray.records import EVERYTHING, Sighting
from tests.older_alerts import OLDER, columns_added, make_older

Make = Callable[..., Sighting]


def test_the_file_is_its_owners_alone(database: Database) -> None:
    path = database.path
    assert path is not None
    for file in path.parent.glob("desk.sqlite*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_commits_are_durable_and_deletions_overwrite(database: Database) -> None:
    with database.reading("look") as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "not a url", "", "sqlite:///"])
def test_what_is_no_durable_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        Database(url)


def test_a_missing_driver_is_named() -> None:
    with pytest.raises(ConfigError, match="driver") as caught:
        Database("mysql+pymysql://me:hunter22@db.example/desk")
    assert "hunter22" not in str(caught.value)
    with pytest.raises(ConfigError, match="driver"):
        Database("nosuch://me:hunter22@db.example/desk")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter22@db.example:5432/desk?sslpassword=hunter22",
        "mysql://hunter22:hunter22@db.example/desk",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    assert "hunter22" not in shown(make_url(url))
    assert "db.example" in shown(make_url(url))


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        Database.at(tmp_path / "file" / "desk.sqlite")


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    path.write_bytes(b"this is a letter, not a database. " * 40)
    with pytest.raises(StoreError, match="not a database"):
        Database.at(path)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    Database.at(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE desk SET schema_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer version") as caught:
        Database.at(path)
    assert caught.value.got.startswith("schema 99")


def test_a_locked_database_is_an_error_and_a_retry_succeeds(
    tmp_path: Path, open_alerts: Callable[..., AlertService], make_sighting: Make
) -> None:
    desk = open_alerts()
    impatient = Database.at(tmp_path / "desk.sqlite", busy_timeout_s=0.05)
    desk.store = AlertStore(impatient)
    other = sqlite3.connect(tmp_path / "desk.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as caught:
        desk.raise_alert(make_sighting())
    assert "Nobody" not in str(caught.value)
    assert desk.list(AlertQuery()).alerts == ()
    other.execute("ROLLBACK")
    other.close()
    assert desk.raise_alert(make_sighting()).new
    impatient.close()


def test_a_full_disk_is_an_error_nothing_is_half_written_and_a_retry_succeeds(
    tmp_path: Path, desk: AlertService, make_sighting: Make
) -> None:
    kept = desk.raise_alert(make_sighting("small", camera="bridge")).alert_id
    roomy, cramped = desk.store, Database.at(tmp_path / "desk.sqlite")

    @event.listens_for(cramped.engine, "connect")
    def _almost_full(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    cramped.close()  # the next connection has no room
    desk.store = AlertStore(cramped)
    large = make_sighting("large", scene_jpeg=b"\xff\xd8" + b"s" * 200_000)
    with pytest.raises(StoreError, match="full") as caught:
        desk.raise_alert(large)
    assert "room" in caught.value.next_step
    cramped.close()
    desk.store = roomy
    assert [alert.id for alert in desk.list(AlertQuery()).alerts] == [kept]
    assert len(desk.events_after(0)) == 1
    assert desk.raise_alert(large).new
    assert not desk.raise_alert(large).new


def test_errors_hold_no_values(desk: AlertService, database: Database, make_sighting: Make) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE sightings")
    with pytest.raises(LfrError) as caught:
        desk.raise_alert(make_sighting())
    text = f"{caught.value!r} {caught.value} {caught.value.args}"
    assert "sightings" in text
    assert "Nobody" not in text
    assert "tracklet-1" not in text


@pytest.mark.parametrize("version", OLDER)
def test_a_database_of_an_older_version_is_brought_up_with_its_alerts(
    tmp_path: Path, open_alerts: Callable[..., AlertService], make_sighting: Make, version: int
) -> None:
    desk = open_alerts()
    receipt = desk.raise_alert(make_sighting())
    path = tmp_path / "desk.sqlite"
    connection = sqlite3.connect(path)
    make_older(connection.execute, version)
    connection.commit()
    connection.close()
    again = open_alerts()
    again.store = AlertStore(Database.at(path))
    alert = again.get(receipt.alert_id)
    assert alert.covered == ""
    assert alert.probability is None
    assert again.raise_alert(make_sighting("same", run="new")).alert_id == receipt.alert_id
    later = again.raise_alert(make_sighting("later", match={"entry_id": "entry-9", "covered": "lower"}))
    newest = again.get(later.alert_id, EVERYTHING)
    assert newest.covered == "lower"
    assert "partly_covered" in newest.cautions
    Database.at(path).close()  # and once more, without anything to do
    connection = sqlite3.connect(path)
    listed = {row[1] for row in connection.execute("PRAGMA index_list(alerts)")}
    connection.close()
    assert {index.name for index in tables.alerts.indexes} == {name for name in listed if "autoindex" not in name}


def test_pages_are_found_from_indexes_alone(database: Database) -> None:
    status, both = {"status": "new", "order": "oldest"}, {"status": "decided", "category": "x"}
    for asked in (
        status,
        both,
        {"camera": "gate"},
        {"category": "x"},
        {"deployment": "d"},
        {"since": 1.0, "until": 2.0},
    ):
        query = page_query(AlertQuery(**asked)).compile(database.engine, compile_kwargs={"literal_binds": True})
        with database.reading("explain a page") as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
        assert any("COVERING INDEX alerts_by_" in step for step in plan), (asked, plan)
        assert not any(re.match(r"SCAN alerts$", step) for step in plan), (asked, plan)
        if asked is both and database.engine.name == "sqlite":
            assert any("(status=? AND category=?)" in step for step in plan), plan


VERSION_1 = {
    *("seq", "alert_id", "key", "entry_id", "name", "category", "action", "camera", "deployment", "model"),
    *("captured_at", "captured_s", "raised_at", "similarity", "threshold", "margin", "runner_up"),
    *("views_agreeing", "views_compared", "list_size", "relatives", "box", "quality", "verdicts_needed", "status"),
    *("sightings", "first_seen_at", "last_seen_at", "hold_reason", "held_by", "held_at"),
}
"""Columns of the first version's alerts."""


def test_every_later_field_of_an_alert_has_its_upgrade() -> None:
    assert set(tables.UPGRADES) == set(range(1, tables.SCHEMA_VERSION))
    added = {column for version in tables.UPGRADES for table, column in columns_added(version) if table == "alerts"}
    assert VERSION_1 | added == set(tables.alerts.columns.keys())


@pytest.mark.parametrize("sslmode", ["", "?sslmode=require", "?sslmode=prefer"])
def test_a_postgresql_elsewhere_is_reached_by_verified_tls_only(sslmode: str) -> None:
    with pytest.raises(ConfigError, match="another machine") as caught:
        Database(f"postgresql+psycopg://lfr:hunter22@db.example/lfr{sslmode}")
    assert "verify-full" in caught.value.allowed
    assert "hunter22" not in str(caught.value)
