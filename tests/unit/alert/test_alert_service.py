"""The desk: durable, idempotent, decided by people, every step accounted for."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.alert.alert_queries import AlertQuery, every_alert
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import FakeClock
from lfr_ray.errors import AlertRefusedError, ConflictError, InputError, NotFoundError
from lfr_ray.records import EVERYTHING, AlertReceipt, CaseProgress, CaseRecord, Details, Sighting, Sightings

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]


def test_a_sighting_becomes_one_alert_however_often_it_is_sent(desk: AlertService, make_sighting: Make) -> None:
    first = desk.raise_alert(make_sighting())
    again = desk.raise_alert(make_sighting())
    assert first.new
    assert again == AlertReceipt(first.alert_id, new=False)
    assert len(desk.list(AlertQuery()).alerts) == 1


def test_steps_of_a_restored_database_reach_the_ledger_under_ids_that_it_does_not_have(
    open_alerts: Callable[..., AlertService], make_sighting: Make, ledger: Any
) -> None:
    open_alerts().raise_alert(make_sighting())
    told = len(ledger.kinds)
    behind = open_alerts(reported_event_id=7)
    behind.raise_alert(make_sighting("tracklet-2", camera="bridge"))
    assert ledger.kinds[told:] == ["alert_raised", "events_lost"]
    assert ledger.records[-1][1]["lost_after"] == 1
    open_alerts(reported_event_id=9).raise_alert(make_sighting("tracklet-3", camera="lane"))
    open_alerts(reported_event_id=7).raise_alert(make_sighting("tracklet-4", camera="quay"))
    assert [event.id for event in behind.events_after(0)] == [1, 8, 9, 10, 11]
    assert ledger.kinds.count("events_lost") == 2, "the last one accounted for less: the same loss, told from the feed"


def test_a_later_tracklet_attaches(desk: AlertService, make_sighting: Make) -> None:
    first = desk.raise_alert(make_sighting())
    later = make_sighting("tracklet-2", captured_at=1_700_000_030.0, captured_s=42.5)
    assert desk.raise_alert(later) == AlertReceipt(first.alert_id, new=False)
    assert desk.get(first.alert_id).sightings == Sightings(2, 1_700_000_000.0, 1_700_000_030.0)


def test_what_a_given_up_process_saw_attaches_to_the_alert_of_its_successor(
    desk: AlertService, make_sighting: Make
) -> None:
    first = desk.raise_alert(make_sighting(captured_s=2.5, run="successor"))
    late = make_sighting("tracklet-2", captured_at=1_699_999_990.0, captured_s=4000.0, run="given up")
    assert desk.raise_alert(late) == AlertReceipt(first.alert_id, new=False)


def test_what_one_process_saw_after_its_clock_went_back_is_another_alert(
    desk: AlertService, make_sighting: Make
) -> None:
    desk.raise_alert(make_sighting(captured_s=2.5, run="one"))
    assert desk.raise_alert(make_sighting("later", captured_at=1_699_999_990.0, captured_s=4000.0, run="one")).new


@pytest.mark.parametrize("other", [{"camera": "bridge"}, {"deployment": "market"}, {"match": {"entry_id": "entry-9"}}])
def test_another_camera_deployment_or_entry_is_another_alert(
    desk: AlertService, make_sighting: Make, other: dict[str, Any]
) -> None:
    desk.raise_alert(make_sighting())
    assert desk.raise_alert(make_sighting("tracklet-2", **other)).new


def test_the_document_has_every_promised_field(desk: AlertService, make_sighting: Make) -> None:
    alert_id = desk.raise_alert(make_sighting(match={"relatives": ("entry-7",), "margin": 0.01})).alert_id
    document = to_json(desk.get(alert_id, EVERYTHING))
    assert json.loads(json.dumps(document)) == document
    assert document["images"]["face"] == f"/v1/alerts/{alert_id}/images/face"
    assert document["cautions"] == ["possible_relative", "small_margin"]
    assert document["decision"] is None
    expected = {
        "id": alert_id,
        "key": "tracklet-1",
        "entry_id": "entry-1",
        "name": "Nobody Listed",
        "category": "wanted",
        "action": "detain",
        "camera": "gate",
        "captured_at": "2023-11-14T22:13:20.000Z",
        "time_s": 12.5,
        "similarity": 0.81,
        "threshold": 0.7,
        "margin": 0.01,
        "runner_up": "entry-2",
        "views_agreeing": 4,
        "views_compared": 5,
        "list_size": 500,
        "relatives": ["entry-7"],
        "box": [10.0, 20.0, 60.0, 80.0],
        "model": "dlib_resnet",
        "deployment": "airshow",
        "status": "new",
    }
    assert {name: document[name] for name in expected} == expected


def test_pictures_come_back_byte_for_byte(desk: AlertService, make_sighting: Make) -> None:
    alert_id = desk.raise_alert(make_sighting(watchlist_jpeg=b"")).alert_id
    assert desk.store.image(alert_id, "face") == b"\xff\xd8face\xff\xd9"
    assert desk.store.image(alert_id, "scene") == b"\xff\xd8scene\xff\xd9"
    with pytest.raises(NotFoundError, match="no such picture"):
        desk.store.image(alert_id, "watchlist")
    with pytest.raises(NotFoundError, match="no such kind"):
        desk.store.image(alert_id, "vector")
    with pytest.raises(NotFoundError, match="no such alert"):
        desk.store.image("0" * 16, "face")


def test_filters_and_pages(desk: AlertService, make_sighting: Make) -> None:
    for number in range(7):
        desk.raise_alert(
            make_sighting(
                f"tracklet-{number}",
                camera="gate" if number % 2 else "bridge",
                captured_at=1_700_000_000.0 + 100 * number,
                captured_s=100.0 * number,
            )
        )
    seen: list[str] = []
    cursor = ""
    while True:
        page = desk.list(AlertQuery(limit=3, cursor=cursor))
        seen += [alert.key for alert in page.alerts]
        cursor = page.next_cursor or ""
        if not cursor:
            break
    assert seen == [f"tracklet-{number}" for number in reversed(range(7))]
    assert [alert.camera for alert in desk.list(AlertQuery(camera="gate")).alerts] == ["gate"] * 3
    window = desk.list(AlertQuery(since=1_700_000_100.0, until=1_700_000_300.0, order="oldest")).alerts
    assert [alert.key for alert in window] == ["tracklet-1", "tracklet-2"]
    assert [alert.key for alert in every_alert(desk.list)] == list(reversed(seen))
    assert [alert.key for alert in every_alert(desk.list, "newest")] == seen
    assert desk.list(AlertQuery(status="decided")).alerts == ()
    assert desk.list(AlertQuery(entry_id="entry-9")).alerts == ()


@pytest.mark.parametrize(
    "cursor", ["x", "bmV3ZXN0Oi0x", "b2xkZXN0OjE", "\u00e9", "bmV3ZXN0OjE4NDQ2NzQ0MDczNzA5NTUxNjE2"]
)
def test_a_cursor_that_is_not_ours_is_refused(desk: AlertService, cursor: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        desk.list(AlertQuery(cursor=cursor))


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_has_a_size(desk: AlertService, limit: int) -> None:
    with pytest.raises(InputError, match="limit"):
        desk.list(AlertQuery(limit=limit))


def test_a_decision_is_recorded_with_its_time(desk: AlertService, make_sighting: Make, clock: FakeClock) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    clock.advance(12.5)
    comparison = {"ears": "agrees", "nose": "agrees", "marks": "unclear"}
    alert = desk.record(
        alert_id, CaseRecord("decision", "PC1", "engage", note="same scar", details=Details(comparison=comparison))
    )
    assert alert.status == "decided"
    assert alert.decision is not None
    assert alert.decision.decision == "engage"
    assert alert.decision.time_to_decision_s == 12.5
    assert alert.history[0].comparison == comparison
    assert desk.list(AlertQuery(status="decided")).alerts == (alert,)


def test_a_decision_is_never_overwritten(desk: AlertService, make_sighting: Make) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    first = desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED)).decision.record_id
    with pytest.raises(ConflictError, match="decided already"):
        desk.record(alert_id, CaseRecord("decision", "PC1", "not_a_match"))
    with pytest.raises(InputError, match="reason"):
        desk.record(alert_id, CaseRecord("decision", "PC1", "not_a_match", corrects=first))
    case = desk.record(alert_id, CaseRecord("decision", "PC1", "not_a_match", corrects=first, note="misread the mark"))
    assert case.decision.decision == "not_a_match"
    assert [record.decision for record in case.history] == ["engage", "not_a_match"]


def test_a_refused_decision_leaves_nothing(desk: AlertService, make_sighting: Make, ledger: Any) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    with pytest.raises(InputError):
        desk.record(alert_id, CaseRecord("decision", "PC1", "arrest"))
    with pytest.raises(ConflictError):
        desk.record(alert_id, CaseRecord("outcome", "PC1", "not_stopped"))
    assert ledger.kinds == ["alert_raised"]
    assert desk.get(alert_id).history == ()


def test_a_repeated_request_records_once(desk: AlertService, make_sighting: Make, ledger: Any) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    first = desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED), "r1")
    again = desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED), "r1")
    assert first == again
    assert ledger.kinds == ["alert_raised", "decision"]
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        desk.record(alert_id, CaseRecord("decision", "PC2", "engage", details=COMPARED), "r1")


def test_an_alert_keeps_the_rule_it_was_raised_under(
    open_alerts: Callable[..., AlertService], make_sighting: Make
) -> None:
    alone = open_alerts()
    alert_id = alone.raise_alert(make_sighting()).alert_id
    alone.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    pair = open_alerts(two_person=True)
    assert pair.get(alert_id).status == "decided"
    other = pair.raise_alert(make_sighting("tracklet-2", camera="bridge")).alert_id
    pair.record(other, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    assert alone.get(other).status == "new"


def test_the_second_verifier_is_blind(open_alerts: Callable[..., AlertService], make_sighting: Make) -> None:
    desk = open_alerts(two_person=True)
    alert_id = desk.raise_alert(make_sighting()).alert_id
    waiting = desk.record(alert_id, CaseRecord("decision", "PC-FIRST", "engage", note="secret-note", details=COMPARED))
    for shown in (waiting, desk.get(alert_id), *desk.events_after(0)):
        assert "PC-FIRST" not in json.dumps(to_json(shown))
        assert "secret-note" not in json.dumps(to_json(shown))
        assert '"engage"' not in json.dumps(to_json(shown))
    assert waiting.case == CaseProgress("awaiting_second", two_person=True, verdicts_given=1)
    with pytest.raises(ConflictError, match="another officer"):
        desk.record(alert_id, CaseRecord("decision", "PC-FIRST", "engage", details=COMPARED))
    done = desk.record(alert_id, CaseRecord("decision", "PC-SECOND", "not_a_match"))
    assert done.decision.decision == "not_a_match"
    assert done.decision.agreed is False
    assert [verdict.officer for verdict in done.decision.verdicts] == ["PC-FIRST", "PC-SECOND"]


def test_outcomes_are_reported_without_notes(desk: AlertService, make_sighting: Make, ledger: Any) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    desk.record(alert_id, CaseRecord("decision", "PC1", "engage", note="private words", details=COMPARED))
    details = Details(minutes=4.0, perceived_sex="female")
    alert = desk.record(alert_id, CaseRecord("outcome", "PC1", "stopped", note="private words", details=details))
    assert alert.outcome.minutes == 4.0
    kind, facts = ledger.records[-1]
    assert kind == "outcome"
    assert facts["outcome"] == "stopped"
    assert facts["minutes"] == 4.0
    assert facts["perceived_sex"] == "female"
    assert "offence_class" not in facts
    everything = json.dumps(ledger.records)
    assert "private words" not in everything
    assert "Nobody Listed" not in everything


def test_a_paused_desk_refuses_counts_and_remembers(
    open_alerts: Callable[..., AlertService], make_sighting: Make, ledger: Any
) -> None:
    desk = open_alerts()
    first = desk.raise_alert(make_sighting())
    desk.pause(by="breaker", reason="false alerts above 1 in 1,000")
    restarted = open_alerts()
    with pytest.raises(AlertRefusedError, match="paused"):
        restarted.raise_alert(make_sighting("tracklet-2", camera="bridge"))
    assert restarted.raise_alert(make_sighting()) == AlertReceipt(first.alert_id, new=False)
    restarted.resume(by="inspector")
    assert restarted.raise_alert(make_sighting("tracklet-2", camera="bridge")).new
    assert ledger.kinds == ["alert_raised", "pause", "sighting_refused", "resume", "alert_raised"]


def test_a_full_ledger_delays_the_answer_and_loses_nothing(
    desk: AlertService, make_sighting: Make, ledger: Any
) -> None:
    ledger.full = True
    with pytest.raises(OSError, match="no room"):
        desk.raise_alert(make_sighting())
    with pytest.raises(OSError, match="no room"):
        desk.consulted(who="PC1", what="list of alerts")
    ledger.full = False
    assert desk.raise_alert(make_sighting()).new is False
    assert ledger.kinds == ["alert_raised"]


def test_after_a_crash_the_ledger_catches_up(
    open_alerts: Callable[..., AlertService], make_sighting: Make, ledger: Any
) -> None:
    desk = open_alerts()
    desk.raise_alert(make_sighting())
    accounted = ledger.records.pop()[1]["event_id"] - 1  # the crash came before the ledger wrote it
    restarted = open_alerts(reported_event_id=accounted)
    restarted.report()
    assert ledger.kinds == ["alert_raised"]
    restarted.report()
    assert ledger.kinds == ["alert_raised"]


def test_who_listens_may_take_a_step_of_its_own(
    open_alerts: Callable[..., AlertService], make_sighting: Make, ledger: Any
) -> None:
    desk = open_alerts()

    def breaker(kind: str, facts: Any) -> None:
        ledger(kind, facts)
        if kind == "alert_raised":
            desk.pause(by="breaker", reason="false alerts above the ceiling")

    desk._on_event = breaker
    desk.raise_alert(make_sighting())
    assert desk.store.paused_reason() == "false alerts above the ceiling"
    assert ledger.kinds == ["alert_raised", "pause"]


def test_events_only_grow_and_carry_the_alert_as_it_stands(desk: AlertService, make_sighting: Make) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    desk.raise_alert(make_sighting("tracklet-2", camera="bridge"))
    desk.record(alert_id, CaseRecord("decision", "PC1", "possible_match"))
    events = desk.events_after(0)
    assert [event.kind for event in events] == ["alert_raised", "alert_raised", "decision"]
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert desk.completed(desk.store.events_after(0)[0]).alert.status == "decided"
    assert desk.events_after(events[1].id) == events[2:]
    assert desk.list(AlertQuery()).event_id == events[-1].id == desk.store.newest_event_id()


def test_hold_and_release(desk: AlertService, make_sighting: Make, ledger: Any) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    assert desk.hold(alert_id, by="DS9", reason="evidence in case 4").hold.reason == "evidence in case 4"
    assert desk.release(alert_id, by="DS9").hold is None
    with pytest.raises(InputError, match="reason"):
        desk.hold(alert_id, by="DS9", reason="  ")
    assert ledger.kinds == ["alert_raised", "hold", "release"]


@pytest.mark.parametrize("wrong", [{"key": ""}, {"key": "k" * 201}, {"face_jpeg": b""}])
def test_a_sighting_that_no_one_could_decide_is_refused(
    desk: AlertService, make_sighting: Make, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        desk.raise_alert(make_sighting(**wrong))


def test_receipts_and_pages_cross_processes(desk: AlertService, make_sighting: Make) -> None:
    receipt = desk.raise_alert(make_sighting())
    page = desk.list(AlertQuery(reader=EVERYTHING))
    assert pickle.loads(pickle.dumps((receipt, page))) == (receipt, page)


def test_nothing_prints_a_name_or_a_note(desk: AlertService, database: Database, make_sighting: Make) -> None:
    alert_id = desk.raise_alert(make_sighting()).alert_id
    desk.record(alert_id, CaseRecord("decision", "PC1", "engage", note="private words", details=COMPARED))
    stored = desk.store.alert(alert_id)
    printed = repr(stored) + repr(stored.records) + repr(make_sighting())
    assert "private words" not in printed
    assert "Nobody Listed" not in repr(stored)
    assert "face" not in repr(stored)


def test_what_lasts_is_told_when_it_begins_and_when_it_ends(desk: AlertService, open_alerts: Any) -> None:
    for reason in ("", "", "fire", "fire", "", ""):
        desk.tell("stop", reason)
    events = desk.events_after(0)
    assert [(event.kind, event.reason) for event in events] == [("matching_stopped", "fire"), ("matching_resumed", "")]


def test_what_lasts_is_not_told_twice_after_a_restart(desk: AlertService, open_alerts: Any) -> None:
    desk.tell("breaker", "too many false alerts")
    again = open_alerts()
    again.tell("breaker", "too many false alerts")
    again.tell("stop", "")
    assert [event.kind for event in again.events_after(0)] == ["breaker_paused"]
    again.tell("breaker", "")
    assert [event.kind for event in again.events_after(0)] == ["breaker_paused", "breaker_lifted"]
