"""Destroying alerts so that no byte of a face, a name or a note is left in the database's files.

What stays is the feed: that there was an alert, at which camera and in which deployment, and what came of it; not of
whom, nor who decided.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_store import add_event
from lfr_ray.alert.open_database import Database
from lfr_ray.errors import StoreError

_CHUNK = 200
PERSONAL = frozenset({"entry_id", "similarity", "threshold", "list_size", "officer", "by"})
"""Facts of the feed that go with their alert. What came of it stays, and is counted in public."""
VOLUNTEERS = frozenset({"blue-list", "blue"})
"""Categories of people who agreed to be recognised: by their entries a trial is counted, after its alerts are gone."""


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """What a retention timer needs to know of one alert."""

    alert_id: str
    entry_id: str
    camera: str
    deployment: str
    category: str
    raised_at: float
    status: str
    hold_reason: str


@dataclass(frozen=True, slots=True)
class Erased:
    """One alert that is destroyed, in terms that may be published: hashes, no personal data."""

    alert_id: str
    deployment: str
    image_sha256: tuple[str, ...]


class AlertEraser:
    """Purges alerts and cleans the files after them.

    A purge is one transaction per two hundred alerts: a crash in the middle leaves whole alerts, and
    the same purge sent again finishes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def retention_facts(self) -> list[RetentionFacts]:
        """Every alert that is recorded, oldest first."""
        alerts = tables.alerts
        columns = [alerts.c[name] for name in RetentionFacts.__dataclass_fields__]
        with self._database.reading("read what is due") as connection:
            rows = connection.execute(select(*columns).order_by(alerts.c.seq)).mappings()
            return [RetentionFacts(**row) for row in rows]

    def purge(self, alert_ids: Sequence[str], *, now_s: float, reason: str) -> list[Erased]:
        """Destroy these alerts with their pictures, sightings, decisions and outcomes, except held ones.

        The rows are overwritten with zeros at once (SQLite: secure_delete); :meth:`vacuum` then removes what the
        write-ahead log still holds: call both. Alerts that are held or were not there are not among what is returned.
        StoreError: the rest was not destroyed; send the same purge again.
        """
        erased: list[Erased] = []
        wanted = list(dict.fromkeys(alert_ids))
        for start in range(0, len(wanted), _CHUNK):
            with self._database.writing("destroy alerts") as connection:
                erased += _purge(connection, wanted[start : start + _CHUNK], now_s, reason)
        return erased

    def vacuum(self) -> str:
        """Rewrite the database without its free space and empty its write-ahead log.

        What cannot be promised here is returned, in words; empty when no destroyed byte is left in any of its files.
        StoreError: another process is reading or writing just now, or there is no room.
        """
        if self._database.is_sqlite:
            self._vacuum_sqlite()
            return ""
        if self._database.engine.dialect.name == "postgresql":
            self._vacuum_postgresql()
            return (
                "tables rewritten and searched; the server's write-ahead log, archive and backups cannot be: have its "
                "keeper run CHECKPOINT and SELECT pg_switch_wal(), and expire archive and backups"
            )
        return f"rows deleted; {self._database.engine.dialect.name} was not asked to rewrite its files"

    def _vacuum_sqlite(self) -> None:
        # Outside a transaction, which only the driver's own connection can be.
        with self._database.guarded("clean its files"):
            pooled = self._database.engine.raw_connection()
        try:
            raw: Any = pooled.dbapi_connection
            raw.execute("VACUUM")
            busy, *_pages = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            # SQLite's own sentences name tables and columns, never values.
            raise _not_cleaned(str(error)) from None
        finally:
            pooled.close()
        if busy:
            raise _not_cleaned("another process is reading or writing")

    def _vacuum_postgresql(self) -> None:
        engine = self._database.engine.execution_options(isolation_level="AUTOCOMMIT")
        names = ", ".join(table.name for table in tables.metadata.sorted_tables)
        with self._database.guarded("clean its tables"), engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {names}")


def _not_cleaned(why: str) -> StoreError:
    return StoreError(
        "the alert database could not clean its files: destroyed bytes may be left in them",
        got=why,
        next_step="close other programs on the database, make room for its size again on the disk, and repeat",
    )


def _purge(connection: Connection, alert_ids: Sequence[str], now_s: float, reason: str) -> list[Erased]:
    alerts, images = tables.alerts, tables.images
    query = select(alerts.c.alert_id, alerts.c.deployment).where(alerts.c.alert_id.in_(alert_ids))
    rows = connection.execute(query.where(alerts.c.hold_reason == "").order_by(alerts.c.seq)).mappings()
    going = {row["alert_id"]: row["deployment"] for row in rows}
    hashes: dict[str, list[str]] = {alert_id: [] for alert_id in going}
    pictures = select(images.c.alert_id, images.c.sha256).where(images.c.alert_id.in_(list(going)))
    for row in connection.execute(pictures.order_by(images.c.kind)).mappings():
        hashes[row["alert_id"]].append(row["sha256"])
    for table in (tables.images, tables.sightings, tables.case_records, tables.alerts):
        connection.execute(delete(table).where(table.c.alert_id.in_(list(going))))
    _make_impersonal(connection, list(going))
    for alert_id, deployment in going.items():
        facts = {"deployment": deployment, "images": len(hashes[alert_id]), "reason": reason}
        add_event(connection, "erasure", now_s, alert_id, facts)
    return [Erased(one, deployment, tuple(hashes[one])) for one, deployment in going.items()]


def _make_impersonal(connection: Connection, alert_ids: Sequence[str]) -> None:
    events = tables.events
    rows = connection.execute(select(events.c.event_id, events.c.facts).where(events.c.alert_id.in_(alert_ids))).all()
    for event_id, facts in rows:
        gone = PERSONAL - ({"entry_id"} if facts.get("category") in VOLUNTEERS else set())
        left = {name: value for name, value in facts.items() if name not in gone}
        if left != facts:
            connection.execute(update(events).where(events.c.event_id == event_id).values(facts=left))
