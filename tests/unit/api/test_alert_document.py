"""The whole document of an alert, word for word: programs that no one here wrote read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lfr_ray.alert.json_document import from_json, to_json
from lfr_ray.records import Alert, FeedEvent, Sighting, WebhookEvent

Make = Callable[..., Sighting]
COMPARED = {"nose": "agrees", "ears": "agrees", "marks": "agrees"}

DOCUMENT: dict[str, Any] = {
    "id": "AAAA",
    "key": "tracklet-1",
    "status": "decided",
    "entry_id": "entry-1",
    "name": "Nobody Listed",
    "category": "wanted",
    "action": "detain",
    "camera": "gate",
    "deployment": "airshow",
    "model": "dlib_resnet",
    "captured_at": "2023-11-14T22:13:20.000Z",
    "raised_at": "2023-11-14T22:13:21.000Z",
    "time_s": 12.5,
    "similarity": 0.81,
    "threshold": 0.7,
    "probability": 0.93,
    "regions_visible": ["upper"],
    "margin": 0.01,
    "runner_up": "entry-2",
    "views_agreeing": 4,
    "views_compared": 5,
    "list_size": 500,
    "relatives": ["entry-7"],
    "cautions": ["possible_relative", "small_margin", "partly_covered"],
    "box": [10.0, 20.0, 60.0, 80.0],
    "quality": {"size_px": 55.0, "value": 0.8},
    "sightings": {"count": 2, "first": "2023-11-14T22:13:20.000Z", "last": "2023-11-14T22:13:50.000Z"},
    "hold": {"at": "2023-11-14T22:13:33.500Z", "by": "DS9", "reason": "evidence"},
    "images": {
        "face": "/v1/alerts/AAAA/images/face",
        "scene": "/v1/alerts/AAAA/images/scene",
        "watchlist": "/v1/alerts/AAAA/images/watchlist",
    },
    "case": {"state": "concluded", "two_person": True, "verdicts_given": 2},
    "decision": {
        "agreed": True,
        "decided_at": "2023-11-14T22:13:33.500Z",
        "decision": "engage",
        "note": "",
        "officer": "PC2",
        "record_id": 2,
        "time_to_decision_s": 12.5,
        "verdicts": [
            {
                "comparison": COMPARED,
                "corrects": None,
                "decision": "engage",
                "kind": "decision",
                "made_at": "2023-11-14T22:13:33.500Z",
                "note": "same scar",
                "officer": "PC1",
                "record_id": 1,
            },
            {
                "comparison": COMPARED,
                "corrects": None,
                "decision": "engage",
                "kind": "decision",
                "made_at": "2023-11-14T22:13:33.500Z",
                "note": "",
                "officer": "PC2",
                "record_id": 2,
            },
        ],
    },
    "outcome": {
        "corrects": None,
        "kind": "outcome",
        "made_at": "2023-11-14T22:13:33.500Z",
        "minutes": 4.0,
        "note": "",
        "offence_class": "theft",
        "officer": "PC1",
        "outcome": "arrest",
        "perceived_sex": "male",
        "record_id": 3,
    },
    "history": [
        {
            "comparison": COMPARED,
            "corrects": None,
            "decision": "engage",
            "kind": "decision",
            "made_at": "2023-11-14T22:13:33.500Z",
            "note": "same scar",
            "officer": "PC1",
            "record_id": 1,
        },
        {
            "comparison": COMPARED,
            "corrects": None,
            "decision": "engage",
            "kind": "decision",
            "made_at": "2023-11-14T22:13:33.500Z",
            "note": "",
            "officer": "PC2",
            "record_id": 2,
        },
        {
            "corrects": None,
            "kind": "outcome",
            "made_at": "2023-11-14T22:13:33.500Z",
            "minutes": 4.0,
            "note": "",
            "offence_class": "theft",
            "officer": "PC1",
            "outcome": "arrest",
            "perceived_sex": "male",
            "record_id": 3,
        },
    ],
}
"""As it was before the document was derived from the record; AAAA is the id. Later fields come beside these."""

EVENT = {"id": 1, "kind": "alert_raised", "at": "2023-11-14T22:13:21.000Z", "alert_id": "AAAA", "reason": ""}
CHANGED = {"camera": "gate", "category": "wanted", "deployment": "airshow"}


def concluded(open_house: Callable[..., Any], make_sighting: Make) -> tuple[Any, str]:
    """A house with an alert about which everything is said that can be."""
    house = open_house(two_person=True)
    match = {"relatives": ("entry-7",), "margin": 0.01, "covered": "lower", "probability": 0.93}
    alert_id = house.desk.raise_alert(make_sighting(match=match)).alert_id
    house.desk.raise_alert(make_sighting("tracklet-2", captured_at=1_700_000_030.0, captured_s=42.5))
    house.clock.advance(12.5)
    path = f"/v1/alerts/{alert_id}"
    first = {"officer": "PC1", "decision": "engage", "note": "same scar", "comparison": COMPARED}
    house.post(f"{path}/decision", first)
    house.post(f"{path}/decision", {"officer": "PC2", "decision": "engage", "comparison": COMPARED})
    outcome = {"outcome": "arrest", "offence_class": "theft", "minutes": 4, "perceived_sex": "male"}
    house.post(f"{path}/outcome", {"officer": "PC1", **outcome})
    house.post(f"{path}/hold", {"officer": "DS9", "reason": "evidence"})
    return house, alert_id


def test_over_http_it_is_word_for_word_what_it_was(open_house: Callable[..., Any], make_sighting: Make) -> None:
    house, alert_id = concluded(open_house, make_sighting)
    one = json.loads(house.get(f"/v1/alerts/{alert_id}").text.replace(alert_id, "AAAA"))
    assert {name: one[name] for name in DOCUMENT} == DOCUMENT
    assert list(house.get("/v1/alerts").json()["alerts"][0]) == list(one)


def test_a_webhook_is_told_the_same_without_the_history(open_house: Callable[..., Any], make_sighting: Make) -> None:
    house, alert_id = concluded(open_house, make_sighting)
    event = house.desk.completed(house.desk.store.events_after(0)[0])
    told = json.loads(json.dumps(to_json(event)).replace(alert_id, "AAAA"))
    alert, changed = told.pop("alert"), told.pop("changed")
    assert (told, changed) == (EVENT, CHANGED)
    shown = json.loads(house.get(f"/v1/alerts/{alert_id}").text.replace(alert_id, "AAAA"))
    assert alert == {**shown, "history": []}
    assert from_json(WebhookEvent, to_json(event)) == event


def test_in_the_stream_it_is_small_and_tells_no_verdict(open_house: Callable[..., Any], make_sighting: Make) -> None:
    house, alert_id = concluded(open_house, make_sighting)
    events = [to_json(event) for event in house.desk.events_after(0)]
    first = json.loads(json.dumps(events[0]).replace(alert_id, "AAAA"))
    assert first == {**EVENT, "changed": CHANGED}
    assert [event["changed"].get("state") for event in events if event["kind"] == "decision"] == [
        "awaiting_second",
        "decided",
    ]
    text = json.dumps(events)
    assert max(len(json.dumps(event)) for event in events) < 400
    assert not any(secret in text for secret in ("engage", "same scar", "theft", "evidence", "PC1", "Eileen"))


def test_a_program_can_read_it_back(open_house: Callable[..., Any], make_sighting: Make) -> None:
    house, alert_id = concluded(open_house, make_sighting)
    alert = house.desk.get(alert_id)
    assert from_json(Alert, house.get(f"/v1/alerts/{alert_id}").json()) == alert
    event = house.desk.events_after(0)[0]
    assert from_json(FeedEvent, json.loads(json.dumps(to_json(event)))) == event
