"""What every request passes and every answer carries."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.api.auth import Access
from lfr_ray.errors import ConfigError

Check = Callable[..., dict[str, Any]]
PATHS = ["/v1/alerts", "/v1/cameras", "/v1/alerts/stream", "/metrics", "/openapi.json", "/nowhere", "/v1/webhooks"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong-token-of-length", "Basic {token}", "{token}", "Bearer {token}x"],
)
def test_without_the_token_nothing_is_told(
    guarded: Any, check_problem: Check, token: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=token)}
    answer = guarded.get(path, headers=headers)
    document = check_problem(answer, 401, "unauthorised")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert token not in json.dumps(document)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/"])
def test_health_and_the_console_are_open(guarded: Any, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_with_the_token_everything_is(guarded: Any, token: str) -> None:
    headers = {"Authorization": f"bearer {token}"}
    assert guarded.get("/v1/alerts", headers=headers, base="http://lfr.example").status_code == 200
    assert guarded.consultations == [("api", "list of alerts", "", "")]


@pytest.mark.parametrize(
    "text", ["short", "has space in the token", "PC1:short", "P C:0123456789abcdef", ":0123456789abcdef"]
)
def test_a_token_that_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Access.from_text(text)
    assert text not in str(caught.value)


def test_tokens_are_not_kept() -> None:
    access = Access.from_text("0123456789abcdef-token")
    assert "0123456789abcdef" not in repr(vars(access))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "10.0.0.5"])
def test_without_a_token_only_this_machines_own_names_are_answered(house: Any, check_problem: Check, host: str) -> None:
    check_problem(house.get("/v1/alerts", headers={"Host": host}), 403, "strange-host")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_this_machines_names(house: Any, host: str) -> None:
    assert house.get("/v1/alerts", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("client", ["192.0.2.7", "10.0.0.5", "2001:db8::1"])
def test_this_machines_name_is_no_way_in_from_elsewhere(house: Any, check_problem: Check, client: str) -> None:
    check_problem(house.get("/v1/alerts", headers={"Host": "localhost"}, client=client), 403, "strange-host")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_pages_requests_are_refused(house: Any, check_problem: Check, site: str) -> None:
    headers = {"Sec-Fetch-Site": site}
    check_problem(house.post("/v1/stop", {"officer": "PC1", "reason": "x"}, headers=headers), 403, "cross-site")
    assert house.site.stopped is None


def test_no_other_origin_is_let_in(house: Any) -> None:
    answer = house.get("/v1/alerts", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    preflight = house.ask(
        "OPTIONS", "/v1/stop", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 405


@pytest.mark.parametrize("path", ["/", "/v1/alerts", "/healthz", "/nowhere", "/v1/alerts/x y"])
def test_every_answer_carries_the_security_headers(house: Any, path: str) -> None:
    headers = house.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")


@pytest.mark.parametrize(("declared", "body"), [(True, b"x" * 70_000), (False, b"x" * 70_000)])
def test_a_body_that_is_too_large(house: Any, check_problem: Check, declared: bool, body: bytes) -> None:
    async def pieces() -> Any:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    answer = house.ask("POST", "/v1/stop", content=body if declared else pieces())
    check_problem(answer, 413, "content-too-large")


def test_strange_addresses_and_methods(house: Any, check_problem: Check) -> None:
    check_problem(house.get("/nowhere"), 404, "not-found")
    check_problem(house.get("/console/../../etc/passwd"), 404)
    check_problem(house.get("/console/..%2f..%2fpyproject.toml"), 404)
    document = check_problem(house.ask("PUT", "/v1/alerts"), 405, "method-not-allowed")
    assert document["allowed"] == "GET"
    check_problem(house.get("/docs"), 404)
    check_problem(house.get("/redoc"), 404)


def test_a_fault_tells_a_number_and_nothing_else(
    house: Any, check_problem: Check, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    house.site.failure = RuntimeError("Nobody Listed was seen with hunter22")
    with caplog.at_level(logging.DEBUG):
        answer = house.get("/v1/cameras")
    document = check_problem(answer, 500, "internal")
    incident = document["got"].removeprefix("incident ")
    shown = capsys.readouterr()
    logged = shown.out + shown.err + caplog.text
    assert incident in logged
    assert "RuntimeError" in logged
    assert "hunter22" not in logged + answer.text
    assert "Traceback" not in logged + answer.text


def test_openapi_describes_every_route_and_its_problems(house: Any) -> None:
    document = house.get("/openapi.json").json()
    promised = {
        "/v1/alerts",
        "/v1/alerts/{alert_id}",
        "/v1/alerts/{alert_id}/images/{kind}",
        "/v1/alerts/{alert_id}/decision",
        "/v1/alerts/{alert_id}/outcome",
        "/v1/alerts/stream",
        "/v1/cameras",
        "/v1/watchlist",
        "/v1/deployments",
        "/v1/webhooks",
        "/v1/stop",
        "/v1/resume",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert promised <= set(document["paths"])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            described = operation["responses"]["422"]["content"]
            assert "application/problem+json" in described, (method, path)


def test_nothing_searches_unmatched_faces_or_infers_about_people(house: Any) -> None:
    document = house.get("/openapi.json").json()
    text = json.dumps(document["paths"]).lower()
    for word in ("emotion", "unmatched", "search", "vector", "template", "age_estimate"):
        assert word not in text
