"""Every answer of every route is what /openapi.json says, and nothing besides."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import jsonschema
import pytest

from lfr_ray.alert.dead_letters import DeadLetter
from lfr_ray.alert.event_kinds import KINDS
from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.records import CaseRecord, Details, Sighting
from tests.painted import painted

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]
OFFICER = {"officer": "PC1"}
REASON = {**OFFICER, "reason": "fire"}

PICTURES = [encode_jpeg(painted((2, look)), 95) for look in (1, 2)]
ENTRY = {"entry_id": "E-1", "category": "test", "picture": base64.b64encode(PICTURES[0]).decode()}
SIGNATURE = {"key": "0" * 16, "at": "2026-08-21T10:00:00Z", "value": "A" * 86 + "=="}
WHERE = {"case": "crime-hotspot", "name": "Pier", "rationale": "r", "latitude": 51, "longitude": 1, "radius_m": 99}
PROPOSAL = {
    **{name: "words" for name in ("purpose", "legal_basis", "why")},
    "where": WHERE,
    "who": ["suspect"],
    "cameras": ["gate"],
    "starts_at": "2026-08-21T10:00:00Z",
    "hours": 6,
    **{name: {"id": name[:9], "rank": "inspector"} for name in ("applicant", "authorising_officer")},
}

REQUESTS: list[tuple[str, str, dict[str, Any] | bytes | None]] = [
    ("GET", "/v1/alerts", None),
    ("GET", "/v1/alerts/{alert_id}", None),
    ("GET", "/v1/alerts/{alert_id}/images/{kind}", None),
    ("GET", "/v1/alerts/{alert_id}/likelihood", None),
    ("POST", "/v1/alerts/{alert_id}/claim", OFFICER),
    ("DELETE", "/v1/alerts/{alert_id}/claim", None),
    ("POST", "/v1/alerts/{alert_id}/comparison", {**OFFICER, "comparison": dict(COMPARED.comparison or {})}),
    ("POST", "/v1/alerts/{alert_id}/decision", {**OFFICER, "decision": "engage"}),
    ("GET", "/v1/alerts/{alert_id}/own", None),
    ("POST", "/v1/alerts/{alert_id}/outcome", {**OFFICER, "outcome": "stopped", "minutes": 4.5}),
    ("POST", "/v1/alerts/{alert_id}/hold", REASON),
    ("DELETE", "/v1/alerts/{alert_id}/hold", None),
    ("GET", "/v1/alerts/stream", None),
    ("GET", "/v1/cameras", None),
    ("GET", "/v1/cameras/{name}/preview", None),
    ("PUT", "/v1/cameras/{name}/focus", {**REASON, "regions": [[0, 0, 1, 1]], "min_face_px": None}),
    ("PUT", "/v1/cameras/{name}/recording", b"a video"),
    ("GET", "/v1/counts", None),
    ("GET", "/v1/plan", None),
    ("GET", "/v1/plan/picture", None),
    ("GET", "/v1/watchlist", None),
    ("POST", "/v1/watchlist/check", PICTURES[0]),
    ("POST", "/v1/watchlist/entries", ENTRY),
    ("POST", "/v1/watchlist/entries/{entry_id}/pictures", PICTURES[1]),
    ("PATCH", "/v1/watchlist/entries/{entry_id}", {"reason": "longer", "expires_at": "2031-01-01"}),
    ("GET", "/v1/watchlist/entries", None),
    ("GET", "/v1/watchlist/proposal", None),
    ("DELETE", "/v1/watchlist/entries/{entry_id}/waiting", None),
    ("POST", "/v1/watchlist/entries", {**ENTRY, "entry_id": "E-2"}),
    ("POST", "/v1/watchlist/entries/{entry_id}/removal", {"reason": "a mistake"}),
    ("GET", "/v1/record", None),
    ("GET", "/v1/audit", None),
    ("GET", "/v1/audit/records", None),
    ("POST", "/v1/stop", REASON),
    ("GET", "/v1/deployments", None),
    ("POST", "/v1/deployments/proposal", PROPOSAL),
    ("POST", "/v1/deployments/signed", {"authority": {"kind": "live"}, "signature": SIGNATURE}),
    ("POST", "/v1/deployments/own", {"hours": 8, "consents": {"v1": "2026-08-01"}}),
    ("POST", "/v1/deployments/{deployment}/closing", REASON),
    ("POST", "/v1/resume", REASON),
    ("POST", "/v1/people", {"person": "PC7", "role": "viewer"}),
    ("GET", "/v1/people", None),
    ("DELETE", "/v1/people/{person}", None),
    ("POST", "/v1/webhooks", {**OFFICER, "url": "https://control.example/a"}),
    ("GET", "/v1/webhooks", None),
    ("POST", "/v1/webhooks/{webhook_id}/test", None),
    ("GET", "/v1/webhooks/{webhook_id}/dead-letters", None),
    ("POST", "/v1/webhooks/{webhook_id}/dead-letters/{event_id}", None),
    ("DELETE", "/v1/webhooks/{webhook_id}/dead-letters/{event_id}", None),
    ("DELETE", "/v1/webhooks/{webhook_id}", None),
    ("GET", "/v1/session", None),
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/metrics", None),
]
"""In an order in which each can be done."""
ELSEWHERE = {("POST", "/v1/watchlist/approval"), ("DELETE", "/v1/people/{person}/sessions/{session_id}")}
"""They need an approver's signature, or somebody's session: tests of their own have them."""


def described(house: Any) -> dict[str, Any]:
    document: dict[str, Any] = house.get("/openapi.json").json()
    return document


def give_up(house: Any, webhook_id: str) -> int:
    """An event that a receiver refused."""
    event = house.desk.store.events_after(0)[0]
    letter = DeadLetter(event.event_id, event.kind, 0.0, 5, "HTTP 400", None)
    WebhookStore(house.database).letters.give_up(webhook_id, event, letter, failing_since=0.0)
    return int(event.event_id)


def validate(answer: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    jsonschema.validate(answer, {**schema, "components": document["components"]})


def test_every_route_is_among_these(house: Any) -> None:
    routes = {(method.upper(), path) for path, methods in described(house)["paths"].items() for method in methods}
    signing_in = {one for one in routes if one[1].startswith("/v1/session") and one != ("GET", "/v1/session")}
    assert routes - signing_in - ELSEWHERE == {(method, path) for method, path, _ in REQUESTS}


def test_every_answer_is_as_described(house: Any, make_sighting: Make) -> None:
    document = described(house)
    places = {"{entry_id}": "E-1"}
    places |= {"{alert_id}": house.desk.raise_alert(make_sighting()).alert_id, "{kind}": "face", "{name}": "gate"}
    places |= {"{person}": "PC7", "{deployment}": "airshow"}
    for method, route, body in REQUESTS:
        if route == "/v1/alerts/stream":
            continue  # it has no end: below
        path = route
        for name, value in places.items():
            path = path.replace(name, value)
        if "dead-letters" in path and "{event_id}" not in places:
            places["{event_id}"] = str(give_up(house, places["{webhook_id}"]))
            path = path.replace("{event_id}", places["{event_id}"])
        claimed = method != "GET" and body is None and re.search("webhooks|hold|claim", route)
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = house.ask(method, path + ("?officer=PC1" if claimed else ""), **sent)
        assert answer.status_code < 300, (method, path, answer.text)
        if route == "/v1/webhooks" and method == "POST":
            places["{webhook_id}"] = answer.json()["id"]
        if route == "/v1/watchlist/entries" and method == "POST":
            places["{entry_id}"] = answer.json()["entry_id"]
        content = document["paths"][route][method.lower()]["responses"][str(answer.status_code)].get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            assert "$ref" in schema, (method, route)
            validate(answer.json(), schema, document)


def test_every_event_is_as_described(house: Any, make_sighting: Make) -> None:
    alert_id = house.desk.raise_alert(make_sighting(match={"covered": "lower"})).alert_id
    house.desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    house.desk.pause(by="breaker", reason="too many")
    document = described(house)
    schema = {"$ref": "#/components/schemas/FeedEvent"}
    events = house.desk.events_after(0)
    assert [event.kind for event in events] == ["alert_raised", "decision", "pause"]
    for event in events:
        validate(to_json(event), schema, document)
    for stored in house.desk.store.events_after(0):
        validate(to_json(house.desk.completed(stored)), {"$ref": "#/components/schemas/WebhookEvent"}, document)


def test_the_stream_sends_these_events(house: Any, make_sighting: Make) -> None:
    house.desk.raise_alert(make_sighting())
    document = described(house)

    async def first_data() -> AsyncIterator[dict[str, Any]]:
        async for chunk in await house.app.state.feed.open("0"):
            for line in chunk.decode().splitlines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def second() -> dict[str, Any]:
        events = first_data()
        assert (await anext(events))["kind"] == "hello"
        return await anext(events)

    validate(asyncio.run(second()), {"$ref": "#/components/schemas/FeedEvent"}, document)


def test_no_document_that_goes_out_is_open(house: Any) -> None:
    schemas = described(house)["components"]["schemas"]
    assert {"Alert", "AlertPage", "FeedEvent", "CameraState", "WebhookState", "Problem"} <= set(schemas)
    closed = [name for name, schema in schemas.items() if schema["type"] == "object" and "ValidationError" not in name]
    assert [name for name in closed if schemas[name].get("additionalProperties") is not False] == []


def test_a_receiver_of_webhooks_finds_the_schema(house: Any) -> None:
    webhooks = described(house)["webhooks"]
    assert set(webhooks) == set(KINDS)
    for webhook in webhooks.values():
        schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/WebhookEvent"}
        assert {one["name"] for one in webhook["post"]["parameters"]} >= {"webhook-id", "webhook-signature"}


def test_the_description_tells_how_to_be_let_in(house: Any, guarded: Any, token: str) -> None:
    assert described(house)["paths"]["/v1/alerts"]["get"]["security"] == []
    document = guarded.get("/openapi.json", headers={"Authorization": f"Bearer {token}"}).json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = guarded.ask(method.upper(), path)
            assert (answer.status_code == 401) == (operation["security"] == [{"token": []}]), (method, path)


def test_every_method_of_an_address_is_told(house: Any) -> None:
    assert house.ask("PATCH", "/v1/webhooks").headers["allow"] == "GET, POST"
    answer = house.get("/v1/alerts/a1/hold")
    assert answer.headers["allow"] == answer.json()["allowed"] == "DELETE, POST"


@pytest.mark.parametrize("path", ["/v1/alerts?camra=gate", "/v1/cameras?x=1", "/v1/webhooks?limit=3"])
def test_a_parameter_that_is_misspelt_is_refused(house: Any, path: str) -> None:
    answer = house.get(path)
    assert answer.status_code == 422
    assert "no such parameter" in answer.json()["got"]


@pytest.mark.parametrize("change", [{"strange": 1}, {"similarity": "high"}])
def test_drift_would_be_seen(house: Any, make_sighting: Make, change: dict[str, Any]) -> None:
    alert_id = house.desk.raise_alert(make_sighting()).alert_id
    document = house.get(f"/v1/alerts/{alert_id}").json()
    with pytest.raises(jsonschema.ValidationError):
        validate({**document, **change}, {"$ref": "#/components/schemas/Alert"}, described(house))
