"""Taking an alert over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.records import Sighting

Check = Callable[..., dict[str, Any]]


@pytest.fixture
def path(guarded: Any, make_sighting: Callable[..., Sighting]) -> str:
    return f"/v1/alerts/{guarded.desk.raise_alert(make_sighting()).alert_id}/claim"


def test_it_is_taken_seen_and_given_back(guarded: Any, path: str, check_problem: Check) -> None:
    mine, other = guarded.by("PC1", "officer"), guarded.by("PC2", "officer")
    taken = guarded.post(path, {}, headers=mine).json()["claim"]
    assert taken == {"officer": "PC1", "at": "2023-11-14T22:13:21.000Z", "until": "2023-11-14T22:18:21.000Z"}
    listed = guarded.get("/v1/alerts", headers=other).json()["alerts"][0]
    assert listed["claim"] == taken
    refused = check_problem(guarded.post(path, {}, headers=other), 409, "conflict")
    assert "PC1" in refused["got"]
    check_problem(guarded.ask("DELETE", path, headers=other), 409, "conflict")
    assert guarded.ask("DELETE", path, headers=mine).json()["claim"] is None
    assert guarded.post(path, {"officer": "PC2"}, headers=other).json()["claim"]["officer"] == "PC2"


def test_only_a_supervisor_takes_it_over(guarded: Any, path: str, check_problem: Check) -> None:
    guarded.post(path, {}, headers=guarded.by("PC1", "officer"))
    refused = check_problem(guarded.post(path, {"take_over": True}, headers=guarded.by("PC2", "officer")), 403)
    assert refused["allowed"] == "supervisor"
    over = guarded.post(path, {"take_over": True}, headers=guarded.by("SGT1", "supervisor"))
    assert over.json()["claim"]["officer"] == "SGT1"


def test_it_is_recorded_once_for_one_key_and_the_ledger_has_it(guarded: Any, path: str) -> None:
    mine = guarded.by("PC1", "officer") | {"Idempotency-Key": "k1"}
    answers = [guarded.post(path, {}, headers=mine) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    claims = [facts for kind, facts in guarded.ledger if kind == "claim"]
    assert [(one["officer"], one["claim"]) for one in claims] == [("PC1", "taken")]
    (event,) = [one for one in guarded.desk.events_after(0) if one.kind == "claim"]
    assert "PC1" not in str(event.changed), "the stream names nobody"


def test_a_claim_keeps_nobody_from_deciding(guarded: Any, path: str) -> None:
    guarded.post(path, {}, headers=guarded.by("PC1", "officer"))
    decided = guarded.post(
        path.replace("claim", "decision"), {"decision": "not_a_match"}, headers=guarded.by("PC2", "officer")
    )
    assert decided.status_code == 200
    assert decided.json()["claim"] is None
