"""What can be asked of the recorded alerts: the values that come back, filters, pages and cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Select, select

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_rows import alert_of
from lfr_ray.alert.json_document import from_json
from lfr_ray.errors import InputError, NotFoundError
from lfr_ray.records import ENROLLED_KINDS, EVERYTHING, VIEW_KINDS, Alert, AlertPage, CaseRecord, Details

MAX_PAGE = 200

RECORDED = ("kind", "officer", "value", "note", "corrects")
"""Columns of a case record that hold what a person said, besides the details."""


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts to list; empty fields do not filter.

    Attributes:
        since: Captured at this wall time or later; ``until``: before this one.
        limit: Most alerts of one page, 1 to :data:`MAX_PAGE`.
        cursor: ``next_cursor`` of the page before.
        reader: Who looks: figures of alerts that this person has not compared by eye are withheld.
    """

    camera: str = ""
    entry_id: str = ""
    category: str = ""
    status: str = ""
    deployment: str = ""
    since: float | None = None
    until: float | None = None
    limit: int = 50
    cursor: str = ""
    order: Literal["newest", "oldest"] = "newest"
    reader: str = ""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One alert as it is recorded, before the rules say what stands.

    Attributes:
        verdicts_needed: Officers who must decide: the rule that it was raised under.
        records: Everything that people recorded about it, oldest first.
    """

    alert: Alert
    verdicts_needed: int
    records: tuple[CaseRecord, ...] = field(repr=False)


def read_alert(connection: Connection, alert_id: str) -> StoredAlert:
    """One alert inside a transaction. NotFoundError: there is none with this id."""
    row = connection.execute(select(tables.alerts).where(tables.alerts.c.alert_id == alert_id)).mappings().first()
    if row is None:
        raise NotFoundError(
            "no such alert", got=alert_id[:40], next_step="list the alerts; one past its retention time is destroyed"
        )
    return stored_alerts(connection, [row])[0]


def stored_alerts(connection: Connection, rows: Sequence[RowMapping]) -> list[StoredAlert]:
    """The alerts of these rows, with everything that stands in other tables."""
    ids, images = [row["alert_id"] for row in rows], tables.images.c
    if not ids:
        return []
    records = read_records(connection, ids)
    more = select(images.alert_id, images.kind).where(
        images.alert_id.in_(ids), images.kind.in_((*VIEW_KINDS, *ENROLLED_KINDS))
    )
    kinds: dict[str, set[str]] = {}
    for alert_id, kind in connection.execute(more):
        kinds.setdefault(alert_id, set()).add(kind)
    return [
        StoredAlert(alert_of(row, kinds.get(alert_id, ())), int(row["verdicts_needed"]), records.get(alert_id, ()))
        for alert_id, row in zip(ids, rows, strict=True)
    ]


def read_records(connection: Connection, alert_ids: list[str]) -> dict[str, tuple[CaseRecord, ...]]:
    """What people recorded about these alerts, oldest first."""
    table = tables.case_records
    found: dict[str, tuple[CaseRecord, ...]] = {}
    query = select(table).where(table.c.alert_id.in_(alert_ids)).order_by(table.c.record_id)
    for row in connection.execute(query).mappings():
        found[row["alert_id"]] = (*found.get(row["alert_id"], ()), _record(row))
    return found


def _record(row: RowMapping) -> CaseRecord:
    kept = {name: row[name] for name in (*RECORDED, "made_at", "record_id")}
    return CaseRecord(**kept, details=from_json(Details, row["details"]))


def every_alert(
    page_of: Callable[[AlertQuery], AlertPage], order: Literal["newest", "oldest"] = "oldest"
) -> Iterator[Alert]:
    """All alerts, page by page from who has them, with all figures."""
    cursor: str | None = ""
    while cursor is not None:
        page = page_of(AlertQuery(limit=MAX_PAGE, order=order, cursor=cursor, reader=EVERYTHING))
        yield from page.alerts
        cursor = page.next_cursor


def page_query(query: AlertQuery) -> Select[Any]:
    """One row more than the page holds: another page follows. InputError, NotFoundError: a wrong limit or cursor."""
    if not 1 <= query.limit <= MAX_PAGE:
        raise InputError("limit is out of range", got=query.limit, allowed=f"1 to {MAX_PAGE}")
    alerts = tables.alerts
    chosen = select(alerts.c.seq)
    for name in ("camera", "entry_id", "category", "status", "deployment"):
        wanted = getattr(query, name)
        if wanted:
            chosen = chosen.where(alerts.c[name] == wanted)
    if query.since is not None:
        chosen = chosen.where(alerts.c.captured_at >= query.since)
    if query.until is not None:
        chosen = chosen.where(alerts.c.captured_at < query.until)
    newest = query.order == "newest"
    if query.cursor:
        seq = _cursor_seq(query.order, query.cursor)
        chosen = chosen.where(alerts.c.seq < seq if newest else alerts.c.seq > seq)
    order = alerts.c.seq.desc() if newest else alerts.c.seq
    # First which rows, from indexes alone; then those rows.
    return select(alerts).where(alerts.c.seq.in_(chosen.order_by(order).limit(query.limit + 1))).order_by(order)


def cursor_text(order: str, seq: int) -> str:
    """The cursor that continues after the row ``seq``."""
    return base64.urlsafe_b64encode(f"{order}:{seq}".encode()).decode().rstrip("=")


def _cursor_seq(order: str, cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        name, _, number = text.partition(":")
        seq = int(number)
    except (binascii.Error, UnicodeError, ValueError):
        name, seq = "", 0
    if name != order or not 0 < seq < 2**63:
        raise NotFoundError(
            "the cursor is not one that this list gave",
            got=cursor[:40],
            allowed="next_cursor of the page before, with the same order",
            next_step="start again without a cursor",
        )
    return seq
