"""Every operation of OpenAPI with whatever a stranger may send: what is described is what happens."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.alert_and_site_ports import LocalAlerts
from lfr_ray.api.audit_routes import VIDEO_TYPES
from lfr_ray.api.auth import Access
from lfr_ray.api.http_application import build_api
from lfr_ray.api.watchlist_routes import PICTURE_TYPES
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.clock import SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.people.tokens_and_sessions import People
from lfr_ray.records import CaseRecord, Details, Sighting
from tests.painted import painted

EXAMPLES = 10
COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
STREAM = "/v1/alerts/stream"
"""Has no end; test_stream has it."""


PICTURES = [encode_jpeg(painted((person, 1)), 95) for person in (2, 3)]
ENTRY = {"entry_id": "E-1", "category": "test"}
# Random bytes are no picture, and no base64.
schemathesis.openapi.media_type("image/jpeg", st.sampled_from(PICTURES), aliases=PICTURE_TYPES[1:])
schemathesis.openapi.media_type(VIDEO_TYPES[0], st.binary(min_size=1), aliases=VIDEO_TYPES[1:])
schemathesis.openapi.format("byte", st.sampled_from([base64.b64encode(one).decode() for one in PICTURES]))


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_what_is_described_is_what_happens(
    tmp_path: Path, empty_site: Any, make_sighting: Callable[..., Sighting], mode: GenerationMode
) -> None:
    database = Database.at(tmp_path / "desk.sqlite")
    desk = AlertService(AlertStore(database), AlertRules(), SystemClock(), cases=CaseRules())
    webhooks = LocalAlerts(desk, WebhookStore(database), SystemClock())
    app = build_api(webhooks, empty_site, access=Access(People(DataDir(tmp_path)), demo_officer="PC1"))
    alert_id = desk.raise_alert(make_sighting()).alert_id
    desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED))

    asyncio.run(empty_site.add_entry(ENTRY, encode_jpeg(painted((4, 1)), 95), face=None, by="imp1"))

    async def on_this_machine(scope: Any, *channels: Any) -> None:
        headers = [(b"host", b"localhost"), *(one for one in scope.get("headers", ()) if one[0] != b"host")]
        await app(scope | {"client": ("127.0.0.1", 1), "headers": headers}, *channels)

    schema = schemathesis.openapi.from_asgi("/openapi.json", on_this_machine)
    statuses: Counter[int] = Counter()
    done: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == STREAM:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def sent(case: Any) -> None:
            if mode is GenerationMode.POSITIVE and "alert_id" in case.path_parameters:
                case.path_parameters["alert_id"] = alert_id
            if mode is GenerationMode.POSITIVE and "entry_id" in case.path_parameters:
                case.path_parameters["entry_id"] = "E-1"
            answer = case.call()
            statuses[answer.status_code] += 1
            done.update({case.operation.path} if answer.status_code in (200, 201, 204) else ())
            assert answer.status_code < 500, answer.text
            case.validate_response(answer)  # all checks of schemathesis

        with contextlib.suppress(Unsatisfiable):  # nothing of this operation can be wrong
            sent()
    database.close()
    expected = 200 if mode is GenerationMode.POSITIVE else 422
    assert statuses[expected] > 50, statuses
    if mode is GenerationMode.POSITIVE:
        assert len([path for path in done if path.startswith("/v1/watchlist")]) >= 5, sorted(done)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_large_body_is_refused_however_it_is_sent(served: Any, method: str) -> None:
    """The whole of it is sent before the answer is read, as simple clients do."""
    large = b"x" * 10_000_000

    async def chunks() -> Any:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    async def answers() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=20) as client:
            return [await client.request(method, "/v1/webhooks", content=body) for body in (large, chunks())]

    for answer in asyncio.run(answers()):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
