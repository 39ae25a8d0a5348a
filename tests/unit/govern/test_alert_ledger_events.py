"""From the desk's feed to ledger records and to what the public record counts."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.alert.event_kinds import CONDITIONS, KINDS
from lfr_ray.govern.alert_ledger_events import (
    RECORDED_ELSEWHERE,
    RECORDS,
    alert_facts,
    disclosures,
    last_event_id,
    ledger_event,
)
from lfr_ray.govern.face_counters import CameraCounters, counted, counters_of, totals
from lfr_ray.govern.ledger_event import check_event
from lfr_ray.metrics import Meter
from lfr_ray.records import StoredEvent


@pytest.mark.parametrize("kind", [*RECORDS, "something_new"])
def test_every_event_of_the_desk_becomes_a_record(kind: str) -> None:
    facts: dict[str, Any] = {
        "event_id": 7,
        "at": 5.0,
        "alert_id": "ab12",
        "officer": "PC 1234 Smith",
        "deployment": "airshow-1",
        "similarity": 0.7,
        "perceived_ethnicity": "black",
        "offence_class": "theft",
        "note": "tall",
        "name": "x",
        "jpeg": b"\xff\xd8",
        "outcome": None,
    }
    event = ledger_event(kind, facts)
    check_event(event)
    assert event.actor == "PC_1234_Smith"
    assert event.subject == "ab12"
    assert event.facts == {"event_id": 7, "similarity": 0.7}


def test_a_consultation_keeps_its_reason() -> None:
    assert ledger_event("consultation", {"who": "op-1", "reason": "complaint 12"}).reason == "complaint 12"
    assert ledger_event("consultation", {"who": "op-1"}).reason == "adjudication of the alert"


def test_where_the_desk_goes_on_after_a_restart() -> None:
    records = [{"facts": {"event_id": 4}}, {"facts": {}}, {"facts": {"event_id": 9}}, {"facts": {"event_id": 7}}]
    assert last_event_id(records) == 9
    assert last_event_id([]) == 0


def feed() -> list[StoredEvent]:
    raised = {"deployment": "d1", "category": "suspect", "camera": "pier", "entry_id": "e1", "captured_at": 99.0}
    return [
        StoredEvent(1, "alert_raised", 100.0, "a1", raised),
        StoredEvent(2, "alert_raised", 101.0, "a2", raised | {"deployment": "other"}),
        StoredEvent(3, "decision", 104.0, "a1", {"decision": "engage", "decided": ""}),
        StoredEvent(4, "decision", 110.0, "a1", {"decision": "engage", "decided": "engage"}),
        StoredEvent(5, "outcome", 200.0, "a1", {"outcome": "stopped", "minutes": 4.0, "perceived_sex": "male"}),
        StoredEvent(6, "decision", 300.0, "a1", {"decision": "engage", "decided": "engage", "corrects": 3}),
        StoredEvent(7, "outcome", 400.0, "a1", {"outcome": "false_alert", "confirmed": True, "corrects": 5}),
        StoredEvent(8, "erasure", 500.0, "a1", {"deployment": "d1"}),
    ]


def test_what_stands_of_an_alert() -> None:
    (alert,) = alert_facts(feed(), "d1")
    assert (alert.decision, alert.decided_after_s) == ("engage", 10.0)
    assert alert.is_false
    assert alert.confirmed
    assert alert.engaged
    assert alert.minutes is None, "a corrected outcome takes its details along"
    assert not alert.blue


def test_cameras_counts_are_added_up_from_the_ledger() -> None:
    new = CameraCounters(10, 5, 4, 60.0, 1.0, {"small": 3}, {"p50": 1.0})
    event = counted("d1", "pier", new)
    check_event(event)
    record = {"what": event.what, "deployment": "d1", "subject": "pier", "facts": dict(event.facts)}
    other = {"what": "alert raised", "deployment": "d1", "subject": "pier", "facts": {}}
    found = totals([record, other, record, record | {"deployment": "d2"}], "d1")
    assert found == {"pier": CameraCounters(20, 10, 8, 120.0, 2.0, {"small": 6}, {"p50": 1.0})}


def test_what_a_camera_let_go_is_counted_by_its_own_name() -> None:
    meter = Meter()
    meter.count("frames_dropped_total", 9, camera="pier")
    meter.count("frames_dropped_total", 5, camera="gate")
    assert counters_of(meter.snapshot(), "pier", 60.0, 0.0).frames_dropped == 9


def test_every_kind_of_event_has_a_record_of_its_own() -> None:
    assert set(KINDS) <= set(RECORDS) | RECORDED_ELSEWHERE
    assert set(sum(CONDITIONS.values(), ())) == set(RECORDED_ELSEWHERE)


def test_a_disclosure_is_a_disclosure_and_says_to_whom() -> None:
    facts = {"to": "https://control.example", "subscription": "s1", "disclosed_event_id": 4, "deployment": "airshow"}
    event = ledger_event("disclosure", {**facts, "alert_id": "a1"})
    check_event(event)
    assert (event.kind, event.subject, event.deployment) == ("disclosure", "a1", "airshow")
    assert event.facts == {"to": "https://control.example", "subscription": "s1", "disclosed_event_id": 4}
    assert event.reason


def test_disclosures_are_counted_by_receiver_and_alert_also_when_the_webhook_is_gone() -> None:
    told = [("https://a.example", "a1"), ("https://a.example", "a1"), ("https://a.example", "a2"), ("", "a1")]
    events = [ledger_event("disclosure", {"to": to, "alert_id": alert_id}) for to, alert_id in told]
    events.append(ledger_event("webhook_removed", {"to": "https://a.example", "by": "PC1"}))
    records = [{"what": one.what, "subject": one.subject, "facts": one.facts} for one in events]
    assert disclosures(records) == {"https://a.example": 2, "not_recorded": 1}
    assert events[-1].facts["to"] == "https://a.example"
