"""Every operation of OpenAPI with whatever a stranger may send: never a fault, always a problem document."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.adjudicate.vocabulary import DECISIONS, FEATURES, FINDINGS, OUTCOMES
from lfr_ray.alert.database import Database
from lfr_ray.alert.rules import AlertRules
from lfr_ray.alert.service import AlertService
from lfr_ray.alert.store import AlertStore
from lfr_ray.alert.webhook_store import KINDS, WebhookStore
from lfr_ray.api.app import build_api
from lfr_ray.api.auth import Access
from lfr_ray.api.ports import LocalAlerts
from lfr_ray.clock import SystemClock
from lfr_ray.records import Sighting

EXAMPLES = 400
STREAM = "/v1/alerts/stream"
"""Has no end; test_stream has it."""

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
likely = {
    "officer": st.just("PC1"),
    "decision": st.sampled_from(DECISIONS),
    "outcome": st.sampled_from(OUTCOMES),
    "note": st.text(max_size=60),
    "comparison": st.dictionaries(st.sampled_from(FEATURES), st.sampled_from(FINDINGS)),
    "corrects": st.integers(-2, 2**65),
    "minutes": st.floats(),
    "confirmed": st.booleans(),
    "offence_class": st.text(max_size=12),
    "reason": st.text(max_size=20),
    "url": st.just("https://control.example/a") | st.text(max_size=30),
    "kinds": st.lists(st.sampled_from(KINDS) | st.text(max_size=5), max_size=3),
}
bodies = st.fixed_dictionaries({}, optional=likely) | anything
words = st.text(max_size=30) | st.sampled_from(["new", "newest", "PC1", "face", "2026-08-21", "1", "0", "-1", "1e9"])


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if path != STREAM
    ]


def draw_request(data: Any, app: FastAPI, alert_id: str) -> tuple[str, str, dict[str, Any]]:
    """A method, an address with its parts filled in, and what is sent with it."""
    method, path, operation = data.draw(st.sampled_from(operations(app)))
    query: dict[str, str] = {}
    headers: dict[str, bytes] = {}
    for parameter in operation.get("parameters", []):
        name, place = parameter["name"], parameter["in"]
        if place == "path":
            part = data.draw(st.just(alert_id) | words.filter(bool) if name == "alert_id" else words.filter(bool))
            path = path.replace("{" + name + "}", quote(part, safe=""))
        elif place == "query" and data.draw(st.booleans()):
            query[name] = data.draw(words)
        elif place == "header" and data.draw(st.booleans()):
            headers[name] = data.draw(words).encode()
    for name in ("X-Officer", "X-Reason"):
        if data.draw(st.booleans()):
            headers[name] = data.draw(words).encode()
    options: dict[str, Any] = {"params": query, "headers": list(headers.items())}
    if "requestBody" in operation:
        body = data.draw(bodies.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
        options |= {"content": body, "headers": [*headers.items(), ("Content-Type", b"application/json")]}
    return method, path, options


async def ask(app: FastAPI, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, **options)


def test_no_request_makes_the_program_fail(
    tmp_path: Path, empty_site: Any, make_sighting: Callable[..., Sighting]
) -> None:
    database = Database.at(tmp_path / "desk.sqlite")
    desk = AlertService(AlertStore(database), AlertRules(), SystemClock(), cases=CaseRules())
    app = build_api(
        LocalAlerts(desk, WebhookStore(database), SystemClock()), empty_site, access=Access(demo_officer="PC1")
    )
    alert_id = desk.raise_alert(make_sighting()).alert_id
    statuses: Counter[int] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)
    @given(st.data())
    def sent(data: Any) -> None:
        answer = asyncio.run(ask(app, *draw_request(data, app, alert_id)))
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "detail", "got", "allowed", "next_step"} == set(answer.json())

    sent()
    database.close()
    assert statuses[200] > 20
    assert statuses[422] > 20
