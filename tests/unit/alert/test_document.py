"""Records as documents and rows: everything comes from the fields, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import ValidationError

from lfr_ray.alert.database import Database
from lfr_ray.alert.document import from_json, model_of, to_json
from lfr_ray.alert.rows import alert_columns, alert_of, alert_row
from lfr_ray.alert.service import AlertService
from lfr_ray.errors import InputError
from lfr_ray.records import Alert, CaseState, Hold, Images, Moment, Sighting
from lfr_ray.records.parts import About, Recoded, about, leaves

Make = Callable[..., Sighting]


@dataclass(frozen=True)
class Inner:
    at: Moment
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    """A whole.

    Not in the schema.
    """

    id: int = field(metadata=about("Its number.", json="number"))
    inner: Inner = field(metadata=about(part=True))
    nested: tuple[Inner, ...]
    by: Mapping[str, str] = field(default_factory=dict)
    sign: int = field(default=1, metadata=about(recoded=Recoded(str, "+".__mul__, len)))
    left_out: float | None = field(default=None, metadata=about(omit=True))
    none: Moment | None = None


WHOLE = Whole(7, Inner(1.5, ("a", "b")), (Inner(2.0),), {"k": "v"}, sign=3)
DOCUMENT = {
    "number": 7,
    "at": "1970-01-01T00:00:01.500Z",
    "words": ["a", "b"],
    "nested": [{"at": "1970-01-01T00:00:02.000Z", "words": []}],
    "by": {"k": "v"},
    "sign": "+++",
    "none": None,
}


def test_there_and_back() -> None:
    assert to_json(WHOLE) == DOCUMENT
    assert from_json(Whole, DOCUMENT) == WHOLE
    model_of(Whole).model_validate(DOCUMENT)


@pytest.mark.parametrize(
    "change", [{"strange": 1}, {"number": "seven"}, {"nested": [{"at": 1}]}, {"sign": 3}, {"words": None}]
)
def test_drift_is_a_fault(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model_of(Whole).model_validate({**DOCUMENT, **change})


def test_the_schema_says_what_the_fields_say() -> None:
    schema = model_of(Whole).model_json_schema()
    assert schema["description"] == "A whole."
    assert schema["additionalProperties"] is False
    assert schema["properties"]["number"]["description"] == "Its number."
    assert "left_out" not in schema["required"]
    assert "none" in schema["required"]


@pytest.mark.parametrize("wrong", [None, [], {}, {**DOCUMENT, "number": "7"}, {**DOCUMENT, "at": "yesterday"}])
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
    assert stored == replace(desk.get(alert_id), case=CaseState(), cautions=())
    assert stored.hold == Hold("evidence", "DS9", 1_700_000_001.0)
    assert stored.evidence.images == Images.of(alert_id)
    row: Any = alert_row(stored)
    assert set(row) == {column.name for column in alert_columns()}
    assert alert_of(row) == stored


def test_every_field_of_an_alert_is_named_once() -> None:
    found = leaves(Alert)
    assert len({leaf.json for leaf in found}) == len(found)
    columns = [column.name for column in alert_columns()]
    assert len(set(columns)) == len(columns)
    assert all(isinstance(leaf.about, About) for leaf in found)
    derived = [leaf for leaf in found if not leaf.about.stored]
    assert all(not leaf.path[-1].startswith("_") for leaf in derived)
