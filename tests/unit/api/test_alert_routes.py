"""Alerts over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.alert.json_document import to_json
from lfr_ray.errors import ConflictError, StoreError
from lfr_ray.records import Sighting

Make = Callable[..., Sighting]
COMPARED = {"nose": "agrees", "ears": "agrees", "marks": "agrees"}
Check = Callable[..., dict[str, Any]]


@pytest.fixture
def alert_id(house: Any, make_sighting: Make) -> str:
    return str(house.desk.raise_alert(make_sighting()).alert_id)


def test_list_is_the_desks_documents(house: Any, alert_id: str) -> None:
    answer = house.get("/v1/alerts")
    assert answer.status_code == 200
    assert answer.json() == {"alerts": [to_json(house.desk.get(alert_id))], "next_cursor": None, "event_id": 1}


def test_other_views_of_the_face_have_addresses(house: Any, make_sighting: Make, check_problem: Check) -> None:
    views = tuple(b"\xff\xd8view" + bytes([number]) for number in range(5))
    alert_id = house.desk.raise_alert(make_sighting(view_jpegs=views)).alert_id
    listed = house.get("/v1/alerts").json()["alerts"][0]["views"]
    assert listed == house.get(f"/v1/alerts/{alert_id}").json()["views"]
    assert [house.get(path).content for path in listed] == list(views[:3])
    assert house.consultations[-1][1:3] == ("picture view3", alert_id)
    other = house.desk.raise_alert(make_sighting("later", camera="bridge")).alert_id
    assert house.get(f"/v1/alerts/{other}").json()["views"] == []
    check_problem(house.get(f"/v1/alerts/{other}/images/view1"), 404)


def test_other_pictures_of_the_entry_have_addresses(house: Any, make_sighting: Make) -> None:
    others = (b"\xff\xd8one", b"\xff\xd8two", b"\xff\xd8three")
    alert_id = house.desk.raise_alert(make_sighting(enrolled_jpegs=others, view_jpegs=(b"\xff\xd8view",))).alert_id
    alert = house.get(f"/v1/alerts/{alert_id}").json()
    assert [house.get(path).content for path in alert["enrolled"]] == list(others[:2])
    assert len(alert["views"]) == 1


def test_pages_and_filters(house: Any, make_sighting: Make) -> None:
    for number in range(5):
        at = 1_700_000_000.0 + 100 * number
        house.desk.raise_alert(make_sighting(f"p{number}", captured_at=at, captured_s=100.0 * number))
    first = house.get("/v1/alerts?limit=3").json()
    second = house.get("/v1/alerts", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    keys = [alert["key"] for alert in first["alerts"] + second["alerts"]]
    assert keys == ["p4", "p3", "p2", "p1", "p0"]
    assert second["next_cursor"] is None
    window = house.get("/v1/alerts?since=2023-11-14T22:15:00Z&until=2023-11-14T23:16:40%2B01:00&order=oldest").json()
    assert [alert["key"] for alert in window["alerts"]] == ["p1"]
    assert house.get("/v1/alerts?camera=nowhere").json()["alerts"] == []
    for since in ("2023-11-14T23:16:40+01:00", "2023-11-14 22:16:40", "2023-11-14T22:16:40Z"):
        later = house.get(f"/v1/alerts?since={since}&order=oldest").json()["alerts"]
        assert [alert["key"] for alert in later] == ["p2", "p3", "p4"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=many",
        "status=closed",
        "order=random",
        "camera=a%00b",
        "camera=" + "a" * 65,
        "since=yesterday",
        "since=9999999999-01-01",
        "cursor=" + "a" * 81,
    ],
)
def test_a_wrong_question_is_a_problem(house: Any, check_problem: Check, query: str) -> None:
    document = check_problem(house.get(f"/v1/alerts?{query}"), 422)
    assert document["got"]


def test_a_cursor_of_another_list_is_not_found(house: Any, check_problem: Check) -> None:
    assert check_problem(house.get("/v1/alerts?cursor=abc"), 404, "not-found")["got"] == "abc"


def test_one_alert_and_its_pictures(house: Any, alert_id: str, check_problem: Check) -> None:
    document = house.get(f"/v1/alerts/{alert_id}").json()
    assert document == to_json(house.desk.get(alert_id))
    for kind, path in document["images"].items():
        answer = house.get(path)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content == house.desk.store.image(alert_id, kind)
    check_problem(house.get(f"/v1/alerts/{alert_id}/images/vector"), 422)
    check_problem(house.get("/v1/alerts/0123456789abcdef"), 404, "not-found")
    check_problem(house.get("/v1/alerts/0123456789abcdef/images/face"), 404, "not-found")


def test_looking_is_accounted_for_before_it_is_shown(house: Any, alert_id: str, check_problem: Check) -> None:
    headers = {"X-Officer": "PC42", "X-Reason": "briefing"}
    house.get("/v1/alerts", headers=headers)
    house.get(f"/v1/alerts/{alert_id}", headers=headers)
    house.get(f"/v1/alerts/{alert_id}/images/face")
    assert house.consultations == [
        ("PC42", "list of alerts", "", "briefing"),
        ("PC42", "alert", alert_id, "briefing"),
        ("PC1", "picture face", alert_id, ""),
    ]
    check_problem(house.get("/v1/alerts", headers={"X-Officer": "PC 42; drop"}), 422)
    check_problem(house.get("/v1/alerts", headers={"X-Reason": "x" * 201}), 422)

    def full(kind: str, facts: Any) -> None:
        raise StoreError("the ledger is full")

    house.desk._on_event = full
    answer = house.get(f"/v1/alerts/{alert_id}/images/face")
    check_problem(answer, 503, "store")
    assert answer.headers["retry-after"] == "2"


def test_a_decision_then_an_outcome(house: Any, alert_id: str, check_problem: Check) -> None:
    path = f"/v1/alerts/{alert_id}"
    body = {"officer": "PC1", "decision": "engage", "note": "same scar", "comparison": COMPARED}
    decided = house.post(f"{path}/decision", body)
    assert decided.status_code == 200
    assert decided.json()["status"] == "decided"
    problem = check_problem(house.post(f"{path}/decision", body), 409, "conflict")
    assert "corrects" in problem["next_step"]
    outcome = {"officer": "PC1", "outcome": "arrest", "offence_class": "theft", "perceived_sex": "male"}
    document = house.post(f"{path}/outcome", outcome).json()
    assert document["outcome"]["offence_class"] == "theft"
    assert document["case"]["state"] == "concluded"
    record = document["decision"]["record_id"]
    refused = house.post(
        f"{path}/decision", {"officer": "PC1", "decision": "not_a_match", "corrects": record, "note": "x"}
    )
    check_problem(refused, 409)


def test_an_idempotency_key_makes_a_repeat_harmless(house: Any, alert_id: str, check_problem: Check) -> None:
    path = f"/v1/alerts/{alert_id}/decision"
    headers = {"Idempotency-Key": "r-1"}
    first = house.post(path, {"officer": "PC1", "decision": "possible_match"}, headers=headers)
    again = house.post(path, {"officer": "PC1", "decision": "possible_match"}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    other = house.post(path, {"officer": "PC1", "decision": "not_a_match"}, headers=headers)
    check_problem(other, 409)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"officer": "PC1"},
        {"officer": "PC1", "decision": "arrest"},
        {"officer": "", "decision": "possible_match"},
        {"officer": "PC1", "decision": "engage", "extra": 1},
        {"officer": "PC1", "decision": "engage", "note": "x" * 2001},
        {"officer": "PC1", "decision": "engage", "note": "nul \x00"},
        {"officer": "PC1", "decision": "engage", "comparison": {"hair": "agrees"}},
        {"officer": "PC1", "decision": "engage", "corrects": 0},
        {"officer": "PC1", "decision": "engage", "corrects": 2**70},
        {"officer": "PC1\n", "decision": "engage"},
    ],
)
def test_a_wrong_decision_is_a_problem_that_echoes_nothing(
    house: Any, alert_id: str, check_problem: Check, body: Any
) -> None:
    document = check_problem(house.post(f"/v1/alerts/{alert_id}/decision", body), 422)
    assert "xxxx" not in json.dumps(document)
    assert house.desk.get(alert_id).status == "new"


def test_allowed_words_are_told(house: Any, alert_id: str, check_problem: Check) -> None:
    answer = house.post(f"/v1/alerts/{alert_id}/decision", {"officer": "PC1", "decision": "arrest"})
    assert "'not_a_match', 'possible_match' or 'engage'" in check_problem(answer, 422)["allowed"]


def test_a_body_that_is_no_json(house: Any, alert_id: str, check_problem: Check) -> None:
    path = f"/v1/alerts/{alert_id}/decision"
    check_problem(house.ask("POST", path, content=b"{", headers={"Content-Type": "application/json"}), 422)
    check_problem(house.ask("POST", path, content=b"officer=PC1", headers={"Content-Type": "text/plain"}), 422)
    half = b'{"officer": "PC1", "decision": "engage", "note": "half a character \\ud800"}'
    check_problem(house.ask("POST", path, content=half, headers={"Content-Type": "application/json"}), 422)
    check_problem(house.ask("POST", path, content=b"\xff\xfe", headers={"Content-Type": "application/json"}), 422)


def test_hold_and_release(house: Any, alert_id: str, check_problem: Check) -> None:
    path = f"/v1/alerts/{alert_id}/hold"
    held = house.post(path, {"officer": "DS9", "reason": "evidence"}).json()
    assert held["hold"]["by"] == "DS9"
    assert house.ask("DELETE", f"{path}?officer=DS9").json()["hold"] is None
    check_problem(house.post(path, {"officer": "DS9", "reason": " "}), 422)


def test_two_proven_people_decide(open_house: Callable[..., Any], make_sighting: Make, check_problem: Check) -> None:
    house = open_house(demo_officer="", two_person=True)
    alert_id = house.desk.raise_alert(make_sighting()).alert_id
    path = f"/v1/alerts/{alert_id}/decision"
    engage = {"decision": "engage", "comparison": COMPARED}

    def decide(token_of: str, claimed: str | None = None) -> Any:
        body = engage if claimed is None else {**engage, "officer": claimed}
        return house.post(path, body, headers=house.by(token_of))

    check_problem(decide("Alice", "PC2"), 403, "refused")
    assert decide("Alice", "alice").json()["decision"] is None, "another spelling of the same person"
    check_problem(decide("Alice"), 409, "conflict")
    with pytest.raises(ConflictError):
        house.token("ALICE")
    check_problem(house.post(path, engage, headers=house.by("prometheus", "metrics")), 403, "refused")
    assert decide("PC2").json()["decision"]["decision"] == "engage"
    officers = [
        one["officer"] for one in house.get(f"/v1/alerts/{alert_id}", headers=house.by("PC2")).json()["history"]
    ]
    assert officers == ["Alice", "PC2"]


def test_figures_come_after_the_officers_own_comparison(house: Any, alert_id: str, check_problem: Check) -> None:
    path = f"/v1/alerts/{alert_id}"
    figures = ("similarity", "margin", "views_agreeing", "views_compared", "probability")

    def seen(by: str) -> list[Any]:
        return [house.get(path, headers={"X-Officer": by}).json()[name] for name in figures]

    refused = check_problem(house.post(f"{path}/decision", {"officer": "PC1", "decision": "engage"}), 403, "refused")
    assert "3 or more of" in refused["allowed"]
    assert seen("PC1") == [None] * 5
    assert house.get("/v1/alerts").json()["alerts"][0]["similarity"] is None
    (raised,) = house.desk.store.events_after(0)
    assert house.desk.completed(raised).alert.figures_given is False, "nor are they told to a webhook"
    check_problem(house.post(f"{path}/comparison", {"comparison": {"nose": "agrees", "ears": "differs"}}), 422)
    compared = house.post(f"{path}/comparison", {"comparison": COMPARED}).json()
    assert (compared["similarity"], compared["status"]) == (0.81, "new")
    assert seen("PC1")[0] == 0.81
    assert seen("PC2") == [None] * 5, "each officer compares"
    check_problem(house.post(f"{path}/decision", {"officer": "PC2", "decision": "engage"}), 403, "refused")
    assert house.post(f"{path}/decision", {"decision": "engage"}).json()["status"] == "decided"
    assert seen("PC2")[0] == 0.81
