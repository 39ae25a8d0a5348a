"""Alerts in the database: every method that writes has committed when it returns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace

from sqlalchemy import Connection, delete, func, insert, select, update

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_queries import (
    RECORDED,
    AlertQuery,
    StoredAlert,
    cursor_text,
    page_query,
    read_alert,
    stored_alerts,
)
from lfr_ray.alert.alert_rows import alert_row
from lfr_ray.alert.cooldown import REMEMBERED, AlertHistory, RecentAlert, Ruling
from lfr_ray.alert.event_kinds import LOST
from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.open_database import Database
from lfr_ray.errors import ConflictError, NotFoundError
from lfr_ray.records import (
    ENROLLED_KINDS,
    IMAGE_KINDS,
    VIEW_KINDS,
    Alert,
    CaseRecord,
    Evidence,
    Facts,
    Place,
    Sighting,
    Sightings,
    StoredEvent,
    ViewQuality,
)

Judge = Callable[[AlertHistory], Ruling]

_TAKEN_OVER = {one.name for part in (Place, Evidence) for one in fields(part)} - {
    "quality",
    "images",
    "views",
    "enrolled",
}
"""Fields that an alert has of its sighting, under the same names."""


class AlertStore:
    """Alerts, sightings, pictures, case records and the feed in one database.

    Every method raises StoreError where the database does not answer; of what it should write nothing is recorded then,
    and the same may be sent again.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def raise_sighting(
        self, sighting: Sighting, judge: Judge, *, now_s: float, verdicts_needed: int, facts: Facts
    ) -> Ruling:
        """Record a sighting as the ruling says: all of it, or nothing.

        The rules are asked inside the transaction with what is recorded; ``facts`` are what the feed keeps of it.
        """
        with self.database.writing("record a sighting") as connection:
            ruling = judge(_history(connection, sighting))
            if ruling.step in ("repeat", "refuse"):
                return ruling
            if ruling.step == "raise":
                _insert_alert(connection, sighting, ruling.alert_id, now_s, verdicts_needed)
            else:
                _attach(connection, sighting, ruling.alert_id)
            _insert_sighting(connection, sighting, ruling.alert_id)
            kind = "alert_raised" if ruling.step == "raise" else "sighting_attached"
            add_event(connection, kind, now_s, ruling.alert_id, facts)
            return ruling

    def page(self, query: AlertQuery) -> tuple[list[StoredAlert], str | None]:
        """The alerts of a query, and the next page's cursor; None after the last. InputError: wrong limit or cursor."""
        with self.database.reading("list alerts") as connection:
            rows = connection.execute(page_query(query)).mappings().all()
            shown = rows[: query.limit]
            alerts = stored_alerts(connection, shown)
        more = len(rows) > query.limit
        cursor = cursor_text(query.order, shown[-1]["seq"]) if more else None
        return alerts, cursor

    def alert(self, alert_id: str) -> StoredAlert:
        """One alert. NotFoundError: there is none with this id."""
        with self.database.reading("read an alert") as connection:
            return read_alert(connection, alert_id)

    def alerts(self, alert_ids: list[str]) -> dict[str, StoredAlert]:
        """The alerts among ``alert_ids`` that still exist, by id."""
        if not alert_ids:
            return {}
        with self.database.reading("read alerts") as connection:
            rows = connection.execute(select(tables.alerts).where(tables.alerts.c.alert_id.in_(alert_ids))).mappings()
            return {one.alert.id: one for one in stored_alerts(connection, rows.all())}

    def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG of an alert. NotFoundError: no such alert, kind, or picture."""
        if kind not in IMAGE_KINDS:
            raise NotFoundError("no such kind of picture", got=kind[:40], allowed=", ".join(IMAGE_KINDS))
        images = tables.images
        with self.database.reading("read a picture") as connection:
            query = select(images.c.jpeg).where(images.c.alert_id == alert_id, images.c.kind == kind)
            jpeg = connection.execute(query).scalar_one_or_none()
            if jpeg is None:
                read_alert(connection, alert_id)
                raise NotFoundError("the alert has no such picture", got=kind, next_step="see the alert's images")
        return bytes(jpeg)

    def pictures(self, alert_id: str) -> list[bytes]:
        """Every JPEG of an alert; none where it is gone."""
        images = tables.images.c
        with self.database.reading("read pictures") as connection:
            query = select(images.jpeg).where(images.alert_id == alert_id).order_by(images.kind)
            return [bytes(jpeg) for jpeg in connection.execute(query).scalars()]

    def add_record(
        self,
        alert_id: str,
        draft: CaseRecord,
        settle: Callable[[StoredAlert], tuple[str, Facts]],
        *,
        request_key: str = "",
    ) -> StoredAlert:
        """Add what a person recorded; what stands is never changed.

        Args:
            alert_id: NotFoundError where there is none.
            draft: The record; its id is given here.
            settle: Judges the case *with* the new record inside the transaction: returns the alert's
                status and the feed's facts, or raises and nothing is recorded.
            request_key: A repeated request with the same key adds nothing; ConflictError for something else.
        """
        with self.database.writing("record a decision or outcome") as connection:
            before = read_alert(connection, alert_id)
            if request_key and _repeated(connection, alert_id, draft, request_key):
                return before
            row = {"alert_id": alert_id, "made_at": draft.made_at, "request_key": request_key or None}
            values = row | _said(draft)
            added = connection.execute(insert(tables.case_records).values(values)).inserted_primary_key
            assert added is not None
            stored = replace(draft, record_id=int(added[0]))
            status, facts = settle(replace(before, records=(*before.records, stored)))
            change = update(tables.alerts).where(tables.alerts.c.alert_id == alert_id).values(status=status)
            connection.execute(change)
            add_event(connection, draft.kind, draft.made_at, alert_id, {**facts, "record_id": stored.record_id})
            return read_alert(connection, alert_id)

    def set_hold(self, alert_id: str, *, by: str, reason: str, now_s: float) -> None:
        """Keep an alert beyond its retention time, or (empty reason) let it go again. NotFoundError: no such alert."""
        with self.database.writing("hold an alert") as connection:
            read_alert(connection, alert_id)
            held = {"hold_reason": reason, "held_by": by if reason else "", "held_at": now_s if reason else None}
            change = update(tables.alerts).where(tables.alerts.c.alert_id == alert_id).values(held)
            connection.execute(change)
            add_event(connection, "hold" if reason else "release", now_s, alert_id, {"by": by})

    def set_paused(self, *, by: str, reason: str, now_s: float) -> None:
        """Remember that alerts are paused (empty reason: that they are not any more)."""
        with self.database.writing("pause or resume") as connection:
            change = update(tables.state).values(paused_reason=reason, paused_at=now_s if reason else None)
            connection.execute(change)
            add_event(connection, "pause" if reason else "resume", now_s, "", {"by": by, "reason": reason})

    def paused_reason(self) -> str:
        """Why alerts are paused; empty when they are not."""
        with self.database.reading("read its state") as connection:
            return str(connection.execute(select(tables.state.c.paused_reason)).scalar_one())

    def set_condition(self, began: str, ended: str, *, reason: str, now_s: float) -> None:
        """Append that something began (with a reason) or ended (without), unless that is what was told last."""
        events = tables.events
        newest = select(events.c.kind).where(events.c.kind.in_((began, ended))).order_by(events.c.event_id.desc())
        with self.database.writing("record a state of the site") as connection:
            last = connection.execute(newest.limit(1)).scalar_one_or_none() or ended
            kind = began if reason else ended
            if kind != last:
                add_event(connection, kind, now_s, "", {"reason": reason})

    def events_after(self, event_id: int, limit: int = 100) -> list[StoredEvent]:
        """The feed after ``event_id``, oldest first."""
        events = tables.events
        query = select(events).where(events.c.event_id > event_id).order_by(events.c.event_id).limit(limit)
        with self.database.reading("read the feed") as connection:
            found = [StoredEvent(**row) for row in connection.execute(query).mappings()]
        if found:
            self.database.saw(found[-1].event_id)
        return found

    def newest_event_id(self) -> int:
        """The id of the newest event; 0 before the first."""
        with self.database.reading("read the feed") as connection:
            return newest_event_id(connection)

    def note_loss(self, event_id: int, now_s: float) -> None:
        """Append, once, that the event ``event_id`` was accounted for and is not here any more."""
        events = tables.events.c
        with self.database.writing("record what it lost") as connection:
            told = select(events.event_id).where(events.kind == LOST, events.event_id > event_id).limit(1)
            if connection.execute(told).first() is None:
                left = select(func.max(events.event_id)).where(events.event_id < event_id)
                after = int(connection.execute(left).scalar() or 0)
                reason = f"events after {after} up to {event_id} at least are not in the database any more"
                add_event(connection, LOST, now_s, "", {"reason": reason, "lost_after": after, "lost_until": event_id})

    def database_id(self) -> str:
        """A name of this database that no other has; it makes keys of events unique."""
        with self.database.reading("read its state") as connection:
            return str(connection.execute(select(tables.state.c.desk_id)).scalar_one())


def add_event(connection: Connection, kind: str, at: float, alert_id: str, facts: Facts) -> None:
    """Append to the feed inside a transaction, under an id of which nobody was told before.

    A database that went back, because it was restored or a standby that was behind took over, would give ids twice:
    such a step would be taken for accounted for, and its key for one that was used.
    """
    database: Database = connection.get_execution_options()["lfr_database"]
    values = {"kind": kind, "at": at, "alert_id": alert_id, "facts": dict(facts)}
    added = connection.execute(insert(tables.events).values(values)).inserted_primary_key
    assert added is not None
    if (given := int(added[0])) <= database.highest_event_id:
        event_id = database.highest_event_id + 1
        connection.execute(delete(tables.events).where(tables.events.c.event_id == given))
        connection.execute(insert(tables.events).values(event_id=event_id, **values))
        if connection.dialect.name == "postgresql":  # others go on from the largest id that was there
            sequence = func.pg_get_serial_sequence(tables.events.name, tables.events.c.event_id.name)
            connection.execute(select(func.setval(sequence, event_id)))


def newest_event_id(connection: Connection) -> int:
    """The id of the newest event inside a transaction; 0 before the first."""
    return int(connection.execute(select(func.max(tables.events.c.event_id))).scalar() or 0)


def _history(connection: Connection, sighting: Sighting) -> AlertHistory:
    alerts, sightings = tables.alerts, tables.sightings
    heard = select(sightings.c.alert_id).where(sightings.c.key == sighting.key)
    known = connection.execute(heard).scalar_one_or_none()
    recent = (
        select(alerts.c.alert_id, alerts.c.captured_at, alerts.c.captured_s, sightings.c.run)
        .join(sightings, sightings.c.key == alerts.c.key)
        .where(
            alerts.c.entry_id == sighting.match.entry_id,
            alerts.c.camera == sighting.camera,
            alerts.c.deployment == sighting.deployment,
        )
        .order_by(alerts.c.seq.desc())
        .limit(REMEMBERED)
    )
    rows = connection.execute(recent).mappings().all()
    return AlertHistory(
        tuple(RecentAlert(**row) for row in reversed(rows)),
        known or "",
        str(connection.execute(select(tables.state.c.paused_reason)).scalar_one()),
    )


def _insert_alert(
    connection: Connection, sighting: Sighting, alert_id: str, now_s: float, verdicts_needed: int
) -> None:
    alert = Alert(
        id=alert_id,
        key=sighting.key,
        raised_at=now_s,
        quality=ViewQuality(sighting.quality.value, sighting.quality.size_px),
        sightings=Sightings(1, sighting.captured_at, sighting.captured_at),
        **{name: getattr(sighting, name) for name in _TAKEN_OVER},
        **vars(sighting.match),
    )
    values = {**alert_row(alert), "verdicts_needed": verdicts_needed}
    connection.execute(insert(tables.alerts).values(values))
    pictures = {"face": sighting.face_jpeg, "watchlist": sighting.watchlist_jpeg, "scene": sighting.scene_jpeg}
    views = zip(VIEW_KINDS, sighting.view_jpegs, strict=False)
    enrolled = zip(ENROLLED_KINDS, sighting.enrolled_jpegs, strict=False)
    for kind, jpeg in (*pictures.items(), *views, *enrolled):
        if jpeg:
            digest = hashlib.sha256(jpeg).hexdigest()
            row = {"alert_id": alert_id, "kind": kind, "sha256": digest, "jpeg": jpeg}
            connection.execute(insert(tables.images).values(row))


def _attach(connection: Connection, sighting: Sighting, alert_id: str) -> None:
    alerts = tables.alerts
    row = connection.execute(select(alerts).where(alerts.c.alert_id == alert_id)).mappings().one()
    change = {
        "sightings": row["sightings"] + 1,
        "first_seen_at": min(row["first_seen_at"], sighting.captured_at),
        "last_seen_at": max(row["last_seen_at"], sighting.captured_at),
    }
    connection.execute(update(alerts).where(alerts.c.alert_id == alert_id).values(change))


def _insert_sighting(connection: Connection, sighting: Sighting, alert_id: str) -> None:
    values = {name: getattr(sighting, name) for name in ("key", "track", "captured_at", "captured_s", "run")}
    values |= {name: getattr(sighting.match, name) for name in ("similarity", "views_agreeing", "views_compared")}
    connection.execute(insert(tables.sightings).values(values | {"alert_id": alert_id}))


def _said(draft: CaseRecord) -> dict[str, object]:
    return {name: getattr(draft, name) for name in RECORDED} | {"details": to_json(draft.details)}


def _repeated(connection: Connection, alert_id: str, draft: CaseRecord, request_key: str) -> bool:
    table = tables.case_records
    query = select(table).where(table.c.alert_id == alert_id, table.c.request_key == request_key)
    row = connection.execute(query).mappings().first()
    if row is None:
        return False
    asked = _said(draft)
    if asked != {name: row[name] for name in asked}:
        raise ConflictError(
            "this Idempotency-Key was used for another record of the alert",
            next_step="send a new request with a new key",
        )
    return True
