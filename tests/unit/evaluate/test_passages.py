"""Who walked past, who was found, and who was mistaken for somebody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.errors import InputError
from lfr_ray.evaluate.passages import Recording, passage_figures, poisson_rate, read_truth

TRUTH = {"a.mp4": ("e1", "e2"), "b.mp4": ("e1",), "c.mp4": ()}
SEEN = [
    Recording("a.mp4", "a", 1800.0, 40, 20),
    Recording("b.mp4", "b", 900.0, 5, 3),
    Recording("c.mp4", "c", 900.0, 55, 27),
]


def alert(camera: str, entry_id: str, time_s: float = 1.0) -> dict[str, Any]:
    return {"camera": camera, "entry_id": entry_id, "time_s": time_s, "similarity": 0.9, "threshold": 0.8}


def test_found_missed_and_mistaken_are_told_apart() -> None:
    alerts = [alert("a", "e1", 9.0), alert("a", "e1", 4.0), alert("b", "e3"), alert("c", "e1")]
    document = passage_figures(SEEN, alerts, TRUTH, frozenset({"e1", "e3"}))
    assert document["passages"]["each"] == [
        {"file": "a.mp4", "person": "e1", "alert_s": 4.0},
        {"file": "b.mp4", "person": "e1", "alert_s": None},
    ]
    assert (document["passages"]["mated"], document["passages"]["found"]) == (2, 1)
    false_alerts = document["false_alerts"]["each"]
    assert [(one["camera"], one["entry_id"]) for one in false_alerts] == [("b", "e3"), ("c", "e1")]
    assert document["not_enrolled"] == ["e2"]
    assert document["passages"]["true_positive_rate"]["value"] == 0.5
    assert document["false_alerts"]["per_hour"]["value"] == 2.0
    assert document["false_alerts"]["per_1000_tracks"]["value"] == 20.0
    assert document["false_alerts"]["per_1000_compared"]["value"] == 40.0
    assert document["failure_to_acquire"]["value"] == 0.5


def test_without_anybody_listed_there_is_no_rate_to_tell() -> None:
    figures = passage_figures(SEEN, [], TRUTH, frozenset())
    assert figures["passages"]["true_positive_rate"]["value"] is None
    assert figures["false_alerts"]["per_hour"]["value"] == 0.0
    assert figures["false_alerts"]["per_hour"]["high"] == pytest.approx(3.689, abs=1e-3)


@given(st.integers(0, 500), st.floats(0.01, 1000))
def test_a_rate_lies_in_its_interval(count: int, exposure: float) -> None:
    rate = poisson_rate(count, exposure)
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low <= rate.value < rate.high


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,who\na,b\n", "lacks a column"),
        ("file,who\n", "is empty"),
        ("file,who\na,x\na,y\n", "twice or not at all"),
        ("file,who\n,x\n", "twice or not at all"),
        ("", "lacks a column"),
    ],
)
def test_a_table_that_is_wrong_is_said(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_truth(text)
