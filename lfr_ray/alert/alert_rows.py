"""An alert as a row of the database: its columns, and the way there and back, from the fields of the record."""

from __future__ import annotations

from collections.abc import Container, Mapping
from types import NoneType
from typing import Any, get_args

from pydantic.fields import FieldInfo
from sqlalchemy import JSON, Boolean, Column, Double, Integer, RowMapping, String, Text
from sqlalchemy.types import TypeEngine

from lfr_ray.alert.json_document import adapter
from lfr_ray.records import ENROLLED_KINDS, VIEW_KINDS, Alert, Hold, Images, Sightings, picture_address

WORKED_OUT = {
    "images",
    "views",
    "enrolled",
    "case",
    "decision",
    "outcome",
    "history",
    "claim",
    "cautions",
    "figures_given",
}
"""Fields that are not kept: they are worked out whenever an alert is read."""

RENAMED = {"id", "sightings", "hold"}
"""Fields whose columns have other names; :func:`alert_columns` lists them."""

SHORT = {"key": 200, "entry_id": 64, "camera": 64, "deployment": 64}
"""Most characters of the texts that have an index."""

TYPES: Mapping[Any, TypeEngine[Any]] = {str: Text(), int: Integer(), bool: Boolean(), float: Double()}

_FIELDS: Mapping[str, FieldInfo] = adapter(Alert)._type.__pydantic_fields__
_KEPT = [name for name in _FIELDS if name not in WORKED_OUT | RENAMED]


def alert_columns() -> list[Column[Any]]:
    """A column for each field of an alert that is kept."""
    return [
        Column("alert_id", String(32), nullable=False, unique=True),
        *(_column(name, _FIELDS[name]) for name in _KEPT),
        Column("sightings", Integer, nullable=False),
        Column("first_seen_at", Double, nullable=False),
        Column("last_seen_at", Double, nullable=False),
        Column("hold_reason", Text, nullable=False, server_default=""),
        Column("held_by", String(64), nullable=False, server_default=""),
        Column("held_at", Double),
    ]


def alert_row(alert: Alert) -> dict[str, object]:
    """The values of these columns."""
    row: dict[str, object] = adapter(Alert).dump_python(alert, include=set(_KEPT), by_alias=False)
    seen, hold = alert.sightings, alert.hold or Hold("", "", None)
    return row | {
        "alert_id": alert.id,
        "sightings": seen.count,
        "first_seen_at": seen.first,
        "last_seen_at": seen.last,
        "hold_reason": hold.reason,
        "held_by": hold.by,
        "held_at": hold.at,
    }


def alert_of(row: RowMapping, kinds: Container[str] = ()) -> Alert:
    """The alert that a row tells of, with other pictures of these kinds; what is not kept has its default."""
    values: dict[str, Any] = {name: row[name] for name in _KEPT}
    return Alert(
        id=row["alert_id"],
        sightings=Sightings(row["sightings"], row["first_seen_at"], row["last_seen_at"]),
        hold=Hold(row["hold_reason"], row["held_by"], row["held_at"]) if row["hold_reason"] else None,
        images=Images.of(row["alert_id"]),
        views=tuple(picture_address(row["alert_id"], kind) for kind in VIEW_KINDS if kind in kinds),
        enrolled=tuple(picture_address(row["alert_id"], kind) for kind in ENROLLED_KINDS if kind in kinds),
        **values,
    )


def _column(name: str, field: FieldInfo) -> Column[Any]:
    inner = get_args(field.annotation)
    optional = NoneType in inner
    kind = String(SHORT[name]) if name in SHORT else TYPES.get(inner[0] if optional else field.annotation, JSON())
    # Rows that are older than their column have its default.
    default = field.default if isinstance(field.default, str) else None
    unique = True if name == "key" else None
    return Column(name, kind, nullable=optional, server_default=default, unique=unique)
