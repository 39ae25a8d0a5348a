"""Records as documents and rows: everything comes from the fields, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from lfr_ray.alert.alert_rows import alert_columns, alert_of, alert_row
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.json_document import adapter, from_json, to_json
from lfr_ray.alert.open_database import Database
from lfr_ray.errors import InputError
from lfr_ray.records import CLOSED, EVERYTHING, Alert, CaseState, Hold, Images, Moment, Sighting, is_none

Make = Callable[..., Sighting]


@dataclass(frozen=True, config=CLOSED)
class Inner:
    at: Moment
    words: tuple[str, ...] = ()


@dataclass(frozen=True, config=CLOSED)
class Whole(Inner):
    """A whole."""

    nested: tuple[Inner, ...] = ()
    by: Mapping[str, str] = Field(default_factory=dict)
    number: int = Field(default=1, description="Its number.")
    left_out: float | None = Field(default=None, exclude_if=is_none)
    none: Moment | None = None


WHOLE = Whole(1.5, ("a", "b"), (Inner(2.0),), {"k": "v"}, 7)
DOCUMENT = {
    "at": "1970-01-01T00:00:01.500Z",
    "words": ["a", "b"],
    "nested": [{"at": "1970-01-01T00:00:02.000Z", "words": []}],
    "by": {"k": "v"},
    "number": 7,
    "none": None,
}


def test_there_and_back() -> None:
    assert to_json(WHOLE) == DOCUMENT
    assert from_json(Whole, DOCUMENT) == WHOLE
    adapter(Whole).validate_python(DOCUMENT)


@pytest.mark.parametrize("change", [{"strange": 1}, {"number": "seven"}, {"nested": [{"at": []}]}, {"words": None}])
def test_drift_is_a_fault(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        adapter(Whole).validate_python({**DOCUMENT, **change})


def test_the_schema_says_what_the_fields_say() -> None:
    schema = adapter(Whole).json_schema(mode="serialization")
    assert schema["description"] == "A whole."
    assert schema["additionalProperties"] is False
    assert schema["properties"]["number"]["description"] == "Its number."
    assert schema["properties"]["at"]["type"] == "string"
    assert "left_out" not in schema["required"]
    assert "none" in schema["required"]


@pytest.mark.parametrize("wrong", [None, [], {}, {**DOCUMENT, "number": "seven"}, {**DOCUMENT, "at": "yesterday"}])
def test_what_is_no_such_document_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="Whole"):
        from_json(Whole, wrong)


def test_a_newer_servers_fields_are_passed_over() -> None:
    assert from_json(Whole, {**DOCUMENT, "newer": 1}) == WHOLE


def test_a_row_is_the_whole_alert_but_for_what_the_rules_say(
    desk: AlertService, database: Database, make_sighting: Make
) -> None:
    alert_id = desk.raise_alert(make_sighting(match={"relatives": ("entry-7",), "covered": "upper"})).alert_id
    desk.hold(alert_id, by="DS9", reason="evidence")
    stored = desk.store.alert(alert_id).alert
    assert stored == replace(desk.get(alert_id, EVERYTHING), **vars(CaseState()), cautions=())
    assert stored.hold == Hold("evidence", "DS9", 1_700_000_001.0)
    assert stored.images == Images.of(alert_id)
    row: Any = alert_row(stored)
    assert set(row) == {column.name for column in alert_columns()}
    assert alert_of(row) == stored


def test_every_field_of_an_alert_has_a_name_and_where_it_is_kept_a_column_of_its_own() -> None:
    names = list(adapter(Alert).json_schema(mode="serialization")["properties"])
    assert {"id", "similarity", "regions_visible", "camera", "time_s", "model", "status", "case"} <= set(names)
    columns = [column.name for column in alert_columns()]
    assert len(set(columns)) == len(columns)
