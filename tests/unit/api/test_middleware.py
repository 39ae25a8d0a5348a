"""What every request passes and every answer carries."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.api.auth import BURST
from lfr_ray.data_dir import DataDir

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


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/", "/alerts", "/alerts/abc123", "/cameras", "/audit", "/console/text/de.js"]
)
def test_health_and_the_console_are_open(guarded: Any, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_with_the_token_everything_is(guarded: Any, token: str) -> None:
    headers = {"Authorization": f"bearer {token}"}
    assert guarded.get("/v1/alerts", headers=headers, base="http://lfr.example").status_code == 200
    assert guarded.consultations == [("PC7", "list of alerts", "", "")]


def test_tokens_are_not_kept(guarded: Any, token: str, tmp_path: Path) -> None:
    kept = DataDir(tmp_path).people.read_text()
    assert token.removeprefix("lfr_") not in kept + repr(vars(guarded.people))
    assert DataDir(tmp_path).people.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "10.0.0.5"])
def test_without_a_token_only_this_machines_own_names_are_answered(house: Any, check_problem: Check, host: str) -> None:
    check_problem(house.get("/v1/alerts", headers={"Host": host}), 403, "strange-host")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_this_machines_names(house: Any, host: str) -> None:
    assert house.get("/v1/alerts", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("client", ["192.0.2.7", "10.0.0.5", "2001:db8::1"])
def test_this_machines_name_is_no_way_in_from_elsewhere(house: Any, check_problem: Check, client: str) -> None:
    check_problem(house.get("/v1/alerts", headers={"Host": "localhost"}, client=client), 403, "in-the-clear")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_pages_requests_are_refused(house: Any, check_problem: Check, site: str) -> None:
    headers = {"Sec-Fetch-Site": site}
    check_problem(house.post("/v1/stop", {"officer": "PC1", "reason": "x"}, headers=headers), 403, "cross-site")
    assert house.site.stopped is None


def test_looking_from_a_foreign_page_is_refused_and_writes_nothing(house: Any, check_problem: Check) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = house.get("/v1/alerts", headers=headers)
        check_problem(answer, 403, "cross-site")
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert house.consultations == []
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert house.get("/v1/alerts", headers=own).status_code == 200
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    check_problem(house.ask("OPTIONS", "/v1/stop", headers=preflight), 403, "cross-site")


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


def test_who_asks_too_often_waits_and_nobody_else_does(guarded: Any, token: str, check_problem: Check) -> None:
    mine = {"Authorization": f"Bearer {token}"}
    statuses = [guarded.get("/v1/watchlist", headers=mine).status_code for _ in range(int(BURST) + 1)]
    assert statuses.count(200) == int(BURST)
    answer = guarded.get("/v1/watchlist", headers=mine)
    check_problem(answer, 429, "too-many-requests")
    assert answer.headers["retry-after"] == "1"
    assert guarded.get("/v1/watchlist", headers=guarded.by("PC8")).status_code == 200
    guarded.clock.advance(1.0)
    assert guarded.get("/v1/watchlist", headers=mine).status_code == 200


def test_beyond_this_machine_nothing_travels_in_the_clear(
    house: Any, open_house: Callable[..., Any], check_problem: Check
) -> None:
    def ask(scheme: str, public_url: str = "") -> Any:
        guarded = open_house(demo_officer="")
        guarded.access.public_url = public_url
        return guarded.get("/v1/alerts", headers=guarded.by("PC7"), base=f"{scheme}://lfr.example", client="10.0.0.9")

    check_problem(ask("http"), 403, "in-the-clear")
    assert ask("https").status_code == 200
    assert ask("http", "https://lfr.example").status_code == 200
