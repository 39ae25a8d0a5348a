"""What may stand in the ledger: everything but faces, vectors and names."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.errors import InputError
from lfr_ray.govern.canonical_json import MAX_NUMBER, form_of
from lfr_ray.govern.ledger_event import FIRST_PREVIOUS, Event, check_event, line_of, split_line


def event(**facts: Any) -> Event:
    return Event("collection", "faces compared", facts=facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"data": b"\xff\xd8\xff"},
        {"data": np.zeros(4, np.float32)},
        {"data": [0.1] * 17},
        {"data": {"inner": [1] * 128}},
        {"vector": [0.1, 0.2]},
        {"name": "x"},
        {"Face": 1},
        {"deep": {"jpeg": "x"}},
        {"data": "data:image/jpeg;base64,/9j/"},
        {"data": base64.b64encode(random.Random(0).randbytes(90)).decode()},
        {"data": random.Random(0).randbytes(64).hex()},
        {"data": "x" * 501},
        {"data": "two\nlines"},
        {"data": float("nan")},
        {"data": 2**53},
        {"data": 1e300},
        {"data": "\ud800"},
        {"a": {"b": {"c": {"d": {"e": {}}}}}},
        {f"k{number}": 1 for number in range(65)},
        {"data": ["x"] * 65},
        {"not an id": 1},
    ],
    ids=repr,
)
def test_what_must_stay_out(facts: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        check_event(event(**facts))
    assert "/9j/" not in str(caught.value)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"images": 3, "sha256": "a" * 64, "ok": True, "none": None},
        {"similarity": 0.71, "entries": ["e1", "e2"], "by_category": {"suspect": 4}},
        {"text": "the watchlist is not the one that was approved: it was changed since, or it is another one"},
    ],
)
def test_what_may_stand_in(facts: dict[str, Any]) -> None:
    check_event(event(**facts))


@pytest.mark.parametrize("kind", ["consultation", "disclosure", "stop"])
def test_some_records_need_a_reason(kind: Any) -> None:
    with pytest.raises(InputError, match="needs a reason"):
        check_event(Event(kind, "looked", actor="op-1", reason="  "))
    check_event(Event(kind, "looked", actor="op-1", reason="review of the alert"))


def test_people_are_ids() -> None:
    with pytest.raises(InputError, match="actor is not an id"):
        check_event(Event("decision", "decided", actor="John Smith"))
    with pytest.raises(InputError, match="does not know this kind"):
        check_event(Event("gossip", "told"))  # type: ignore[arg-type]


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_NUMBER, MAX_NUMBER) | st.floats(-MAX_NUMBER, MAX_NUMBER),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"k[a-z]{0,5}", fullmatch=True), inner),
    max_leaves=10,
)


@given(
    facts=st.dictionaries(st.from_regex(r"k[a-z]{0,5}", fullmatch=True), plain, max_size=5), text=st.text(max_size=50)
)
def test_a_line_can_be_taken_apart_again(facts: dict[str, Any], text: str) -> None:
    made = Event("incident", text or "x", facts=facts)
    try:
        check_event(made)
    except InputError:
        return
    line, digest = line_of(made, 1, 0.0, FIRST_PREVIOUS)
    assert line.count(b"\n") == 1
    body, stated = split_line(line)
    assert stated == digest
    assert form_of(json.loads(body), lambda read: read == body) == "RFC 8785", "whoever reads it writes the same text"


@given(line=st.binary(max_size=200))
def test_garbage_is_no_line(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a ledger line"):
        split_line(line)
