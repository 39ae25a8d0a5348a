"""An alert as a row of the database: its columns, and the way there and back, from the fields of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, get_origin

from sqlalchemy import JSON, Boolean, Column, Double, Integer, RowMapping, String, Text
from sqlalchemy.types import TypeEngine

from lfr_ray.alert.document import from_json
from lfr_ray.records import Alert, Images
from lfr_ray.records.parts import Leaf, Moment, build, is_record, leaves


def alert_columns() -> list[Column[Any]]:
    """A column for each field of an alert that is kept."""
    return [column for leaf in _stored() for column in _columns(leaf)]


def alert_row(alert: Alert) -> dict[str, object]:
    """The values of these columns."""
    row: dict[str, object] = {}
    for leaf in _stored():
        value = leaf.of(alert)
        if leaf.about.columns:
            kept = leaf.kind() if value is None else value
            row |= {inner.column: _kept(inner.kind, inner.of(kept)) for inner in leaves(leaf.kind)}
        else:
            row[leaf.column] = _kept(leaf.kind, value)
    return row


def alert_of(row: RowMapping) -> Alert:
    """The alert that a row tells of; what is not kept in it has its default, but for the pictures' addresses."""

    def take(leaf: Leaf) -> Any:
        if leaf.kind is Images:
            return Images.of(row["alert_id"])
        if not leaf.about.stored:
            return MISSING
        if leaf.about.columns:
            values = {inner.path[0]: row[inner.column] for inner in leaves(leaf.kind)}
            # An optional part is there when its first column holds something.
            return leaf.kind(**values) if not leaf.optional or next(iter(values.values())) else None
        return _given(leaf.kind, row[leaf.column])

    return build(Alert, take)


def _stored() -> list[Leaf]:
    return [leaf for leaf in leaves(Alert) if leaf.about.stored]


def _columns(leaf: Leaf) -> list[Column[Any]]:
    if leaf.about.columns:
        return [column for inner in leaves(leaf.kind) for column in _columns(inner)]
    # Rows that are older than their column have its default.
    default = leaf.default if isinstance(leaf.default, str) else None
    unique = leaf.about.unique or None
    return [Column(leaf.column, _type(leaf), nullable=leaf.optional, unique=unique, server_default=default)]


def _type(leaf: Leaf) -> TypeEngine[Any]:
    if leaf.kind is str and leaf.about.text:
        return String(leaf.about.text)
    plain: Mapping[Any, TypeEngine[Any]] = {str: Text(), int: Integer(), bool: Boolean(), float: Double()}
    return Double() if leaf.kind == Moment else plain.get(leaf.kind, JSON())


def _kept(kind: Any, value: Any) -> Any:
    """Numbers as Python's own: a model's results are NumPy's."""
    if value is None:
        return None
    if is_record(kind):
        return {inner.json: _kept(inner.kind, inner.of(value)) for inner in leaves(kind)}
    if get_origin(kind) is tuple:
        return [one if isinstance(one, str) else float(one) for one in value]
    return float(value) if kind in (float, Moment) else value


def _given(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if is_record(kind):
        return from_json(kind, value)
    return tuple(value) if get_origin(kind) is tuple else value
