"""`lfr alerts` against a real server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lfr_ray.cli import alerts
from lfr_ray.client import site_client
from lfr_ray.errors import (
    ConfigError,
    ConflictError,
    FailureError,
    InputError,
    LfrError,
    NotFoundError,
    RefusedError,
)
from lfr_ray.records import CaseRecord, Details, Sighting

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]
FOUND = ("--finding", "nose=agrees", "--finding", "ears=agrees", "--finding", "marks=unclear")
Result = Any


def run(*arguments: str) -> Result:
    return CliRunner().invoke(alerts.app, arguments)


def failed(*arguments: str) -> LfrError:
    error = run(*arguments).exception
    assert isinstance(error, LfrError), error
    return error


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_client, "RECONNECT_S", 0.05)
    for name in ("LFR_SERVER", "LFR_API_TOKEN", "LFR_OFFICER"):
        monkeypatch.delenv(name, raising=False)


def test_list_as_table_and_as_json(served: Any, make_sighting: Make, tmp_path: Path) -> None:
    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    shown = run("list", "--server", served.url)
    assert shown.exit_code == 0
    assert "gate" in shown.stdout
    printed = run("list", "--server", served.url, "--json", "-", "--camera", "gate", "--status", "new")
    assert [alert["id"] for alert in json.loads(printed.stdout)["alerts"]] == [alert_id]
    run("list", "--server", served.url, "--json", str(tmp_path / "alerts.json"))
    assert json.loads((tmp_path / "alerts.json").read_text())["alerts"][0]["id"] == alert_id
    nothing = run("list", "--server", served.url, "--json", "-", "--camera", "bridge")
    assert json.loads(nothing.stdout)["alerts"] == []


def test_pages(served: Any, make_sighting: Make) -> None:
    for number in range(3):
        served.desk.raise_alert(make_sighting(f"p{number}", camera=f"c{number}"))
    first = json.loads(run("list", "--server", served.url, "--limit", "2", "--json", "-").stdout)
    second = run("list", "--server", served.url, "--cursor", first["next_cursor"], "--json", "-")
    assert [alert["camera"] for alert in json.loads(second.stdout)["alerts"]] == ["c0"]


def test_decide_and_correct(served: Any, make_sighting: Make) -> None:
    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    where = ("--officer", "PC1", "--server", served.url)
    assert isinstance(failed("decide", alert_id, "engage", *where), RefusedError)
    assert run("decide", alert_id, "engage", "--note", "scar", *FOUND, *where).exit_code == 0
    assert isinstance(failed("decide", alert_id, "not_a_match", *where), ConflictError)
    corrected = run("decide", alert_id, "not_a_match", "--corrects", "1", "--note", "misread", "--json", "-", *where)
    assert json.loads(corrected.stdout)["decision"]["decision"] == "not_a_match"
    assert served.desk.get(alert_id).decision.officer == "PC1"


def test_hold_and_let_go(served: Any, make_sighting: Make) -> None:
    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    where = ("--officer", "PC1", "--server", served.url)
    assert isinstance(failed("hold", alert_id, *where), InputError)
    assert run("hold", alert_id, "--reason", "evidence", *where).exit_code == 0
    assert served.desk.get(alert_id).hold.reason == "evidence"
    assert run("hold", alert_id, "--release", *where).exit_code == 0
    assert served.desk.get(alert_id).hold is None


def test_an_alert_is_taken_and_given_back(served: Any, make_sighting: Make) -> None:
    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    where = ("--server", served.url)
    assert run("claim", alert_id, "--officer", "PC1", *where).exit_code == 0
    assert served.desk.get(alert_id).claim.officer == "PC1"
    assert isinstance(failed("claim", alert_id, "--officer", "PC2", *where), LfrError)
    assert isinstance(failed("claim", alert_id, "--officer", "PC1", "--take-over", "--release", *where), InputError)
    assert run("claim", alert_id, "--officer", "PC1", "--release", *where).exit_code == 0
    assert served.desk.get(alert_id).claim is None


def test_the_first_of_two_verdicts_is_not_shown(serve: Callable[..., Any], make_sighting: Make) -> None:
    house = serve(two_person=True)
    alert_id = house.desk.raise_alert(make_sighting()).alert_id
    shown = run("decide", alert_id, "engage", *FOUND, "--officer", "PC1", "--server", house.url)
    assert shown.exit_code == 0
    assert "engage" not in shown.stdout


@pytest.mark.parametrize("alert_id", ["0123456789abcdef", "../deployments", "a/b", "\u00e9", "a?b"])
def test_an_alert_that_is_not_there(served: Any, alert_id: str) -> None:
    error = failed("decide", alert_id, "engage", "--officer", "PC1", "--server", served.url)
    assert isinstance(error, NotFoundError)
    assert error.exit_code == 2


def test_a_wrong_word_is_refused_before_anything_is_sent() -> None:
    error = failed("decide", "abc", "arrest", "--officer", "PC1", "--server", "http://127.0.0.1:1")
    assert isinstance(error, InputError)
    assert "possible_match" in error.allowed


def test_no_server_is_a_failure_that_says_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{free.getsockname()[1]}"
    for arguments in (("list",), ("tail",), ("decide", "abc", "engage", "--officer", "PC1")):
        error = failed(*arguments, "--server", server)
        assert type(error) is FailureError
        assert error.exit_code == 1
        assert server in error.got
        assert "lfr run" in error.next_step


@pytest.mark.parametrize("server", ["127.0.0.1:8000", "ftp://x", "http://me:hunter22@host", "http://", "http://x:y"])
def test_a_wrong_address_is_refused_without_showing_it(server: str) -> None:
    error = failed("list", "--server", server)
    assert isinstance(error, ConfigError)
    assert "hunter22" not in str(error)


def test_something_else_at_the_address() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>a printer</html>")

        def log_message(self, *_: object) -> None:
            return

    other = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    try:
        for command in ("list", "tail"):
            error = failed(command, "--server", f"http://127.0.0.1:{other.server_address[1]}")
            assert "something else" in error.what
    finally:
        other.shutdown()
        thread.join()
        other.server_close()


def test_the_token_comes_from_the_environment(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    house = serve(demo_officer="")
    error = failed("list", "--server", house.url)
    assert isinstance(error, RefusedError)
    assert "LFR_API_TOKEN" in error.next_step
    monkeypatch.setenv("LFR_API_TOKEN", house.token("PC1"))
    assert run("list", "--server", house.url).exit_code == 0
    monkeypatch.setenv("LFR_API_TOKEN", "caf\u00e9-is-not-a-token")
    assert isinstance(failed("list", "--server", house.url), ConfigError)


def test_tail_resumes_through_a_restart(served: Any, make_sighting: Make, tmp_path: Path) -> None:
    target = tmp_path / "events.jsonl"
    results: list[Result] = []

    def follow() -> None:
        results.append(run("tail", "--server", served.url, "--after", "0", "--count", "3", "--json", str(target)))

    thread = threading.Thread(target=follow)
    thread.start()
    served.desk.raise_alert(make_sighting("p0", camera="c0"))
    while not target.exists() or not target.read_text():
        thread.join(0.05)
        assert thread.is_alive()
    served.stop()
    served.desk.raise_alert(make_sighting("p1", camera="c1"))
    served.start()
    served.desk.raise_alert(make_sighting("p2", camera="c2"))
    thread.join(20)
    assert not thread.is_alive()
    assert results[0].exit_code == 0
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["alert"]["camera"] for line in lines] == ["c0", "c1", "c2"]


def test_tail_for_people(served: Any, make_sighting: Make) -> None:
    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    served.desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    served.desk.pause(by="breaker", reason="too many false alerts")
    lines = run("tail", "--server", served.url, "--after", "0", "--count", "3").stdout.splitlines()
    assert "alert_raised" in lines[0]
    assert "gate" in lines[0]
    assert lines[1].endswith("engage")
    assert lines[2].endswith("too many false alerts")
    as_json = run("tail", "--server", served.url, "--after", "0", "--count", "1", "--json", "-").stdout
    assert json.loads(as_json)["alert"]["id"] == alert_id
