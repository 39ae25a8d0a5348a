"""Every answer of every route is what /openapi.json says, and nothing besides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import jsonschema
import pytest

from lfr_ray.alert.document import to_json
from lfr_ray.records import CaseRecord, Sighting

Make = Callable[..., Sighting]
OFFICER = {"officer": "PC1"}
REASON = {**OFFICER, "reason": "fire"}

REQUESTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/v1/alerts", None),
    ("GET", "/v1/alerts/{alert_id}", None),
    ("GET", "/v1/alerts/{alert_id}/images/{kind}", None),
    ("GET", "/v1/alerts/{alert_id}/likelihood", None),
    ("POST", "/v1/alerts/{alert_id}/decision", {**OFFICER, "decision": "engage", "comparison": {"nose": "agrees"}}),
    ("GET", "/v1/alerts/{alert_id}/own", None),
    ("POST", "/v1/alerts/{alert_id}/outcome", {**OFFICER, "outcome": "stopped", "minutes": 4.5}),
    ("POST", "/v1/alerts/{alert_id}/hold", REASON),
    ("DELETE", "/v1/alerts/{alert_id}/hold", None),
    ("GET", "/v1/alerts/stream", None),
    ("GET", "/v1/cameras", None),
    ("GET", "/v1/cameras/{name}/preview", None),
    ("GET", "/v1/counts", None),
    ("GET", "/v1/watchlist", None),
    ("GET", "/v1/record", None),
    ("GET", "/v1/audit", None),
    ("GET", "/v1/audit/records", None),
    ("POST", "/v1/stop", REASON),
    ("GET", "/v1/deployments", None),
    ("POST", "/v1/resume", REASON),
    ("POST", "/v1/webhooks", {**OFFICER, "url": "https://control.example/a"}),
    ("GET", "/v1/webhooks", None),
    ("DELETE", "/v1/webhooks/{webhook_id}", None),
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/metrics", None),
]
"""In an order in which each can be done."""


def described(house: Any) -> dict[str, Any]:
    document: dict[str, Any] = house.get("/openapi.json").json()
    return document


def validate(answer: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    jsonschema.validate(answer, {**schema, "components": document["components"]})


def test_every_route_is_among_these(house: Any) -> None:
    routes = {(method.upper(), path) for path, methods in described(house)["paths"].items() for method in methods}
    assert routes == {(method, path) for method, path, _ in REQUESTS}


def test_every_answer_is_as_described(house: Any, make_sighting: Make) -> None:
    document = described(house)
    places = {"{alert_id}": house.desk.raise_alert(make_sighting()).alert_id, "{kind}": "face", "{name}": "gate"}
    for method, route, body in REQUESTS:
        if route == "/v1/alerts/stream":
            continue  # it has no end: below
        path = route
        for name, value in places.items():
            path = path.replace(name, value)
        answer = house.ask(method, path + ("?officer=PC1" if method == "DELETE" else ""), json=body)
        assert answer.status_code < 300, (method, path, answer.text)
        if route == "/v1/webhooks" and method == "POST":
            places["{webhook_id}"] = answer.json()["id"]
        content = document["paths"][route][method.lower()]["responses"][str(answer.status_code)].get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            assert "$ref" in schema, (method, route)
            validate(answer.json(), schema, document)


def test_every_event_is_as_described(house: Any, make_sighting: Make) -> None:
    alert_id = house.desk.raise_alert(make_sighting(match={"covered": "lower"})).alert_id
    house.desk.record(alert_id, CaseRecord("decision", "PC1", "engage"))
    house.desk.pause(by="breaker", reason="too many")
    document = described(house)
    schema = {"$ref": "#/components/schemas/FeedEvent"}
    events = house.desk.events_after(0)
    assert [event.kind for event in events] == ["alert_raised", "decision", "pause"]
    for event in events:
        validate(to_json(event), schema, document)


def test_the_stream_sends_these_events(house: Any, make_sighting: Make) -> None:
    house.desk.raise_alert(make_sighting())
    document = described(house)

    async def first_data() -> AsyncIterator[dict[str, Any]]:
        from lfr_ray.alert.feed import stream

        async for chunk in stream(house.app.state.alerts, 0, house.app.state.feed_rules):
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
    (webhook,) = described(house)["webhooks"].values()
    schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/FeedEvent"}


@pytest.mark.parametrize("change", [{"strange": 1}, {"similarity": "high"}])
def test_drift_would_be_seen(house: Any, make_sighting: Make, change: dict[str, Any]) -> None:
    alert_id = house.desk.raise_alert(make_sighting()).alert_id
    document = house.get(f"/v1/alerts/{alert_id}").json()
    with pytest.raises(jsonschema.ValidationError):
        validate({**document, **change}, {"$ref": "#/components/schemas/Alert"}, described(house))
