"""`lfr demo` as a newcomer starts it: the right people are alerted, HTTP answers, and Ctrl-C leaves nothing."""

from __future__ import annotations

import io
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.processes import START_S, Command, command, eventually, listens, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

CONSOLE = r"console and alerts: (http://127\.0\.0\.1:(\d+)/)"
EXPECTED = {("pier", "demo-touchline"), ("gate", "demo-astronaut")}


def data_folders(temporary: Path) -> list[str]:
    return sorted(path.name for path in temporary.iterdir() if path.name.startswith("lfr-demo"))


def test_headless_alerts_the_right_people_and_nobody_else_and_leaves_nothing(tmp_path: Path) -> None:
    temporary, result = tmp_path / "temporary", tmp_path / "result.json"
    temporary.mkdir()
    with short_folder() as ray_folder:
        environment = {"TMPDIR": str(temporary), "RAY_TMPDIR": str(ray_folder)}
        words = ("lfr", "demo", "--headless", "--port", 0, "--json", result)
        with command(tmp_path, *words, environment=environment) as demo:
            port = int(demo.said(CONSOLE)[2])
            assert data_folders(temporary), "the data folder is not where the test looks for it"
            assert demo.wait() == 0, demo.stderr
            assert demo.left() == {}
            assert not listens(port)
    assert data_folders(temporary) == []
    summary = json.loads(result.read_text(encoding="utf-8"))
    alerts = [(alert["camera"], alert["entry_id"]) for alert in summary["alerts"]]
    assert sorted(alerts) == sorted(EXPECTED)
    assert summary["passed"] is True
    assert summary["footage_ended"] is True
    assert "the right people, and nobody else" in demo.stdout


def test_a_port_that_is_taken_is_said_before_ray_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with command(tmp_path, "lfr", "demo", "--port", port) as demo:
            assert demo.wait(60) == 2
    assert re.search(rf"got: 127\.0\.0\.1:{port}: .*in use", demo.stderr)
    assert "--port" in demo.stderr
    assert "Traceback" not in demo.stderr


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    started: Command
    temporary: Path
    url: str
    port: int

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=90, trust_env=False, **options)

    def alerts(self) -> list[dict[str, Any]]:
        alerts: list[dict[str, Any]] = self.get("v1/alerts", params={"order": "oldest"}).json()["alerts"]
        return alerts

    def both_alerts(self) -> list[dict[str, Any]]:
        """The first alert of each camera, waiting for them."""

        def look() -> list[dict[str, Any]]:
            alerts = self.alerts()
            return alerts if {(one["camera"], one["entry_id"]) for one in alerts} >= EXPECTED else []

        return eventually(look, 180, self.alerts)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """An interactive demo; the last test of this file ends it."""
    folder = tmp_path_factory.mktemp("demo")
    temporary = folder / "temporary"
    temporary.mkdir()
    with short_folder() as ray_folder:
        environment = {"TMPDIR": str(temporary), "RAY_TMPDIR": str(ray_folder)}
        with command(folder, "lfr", "demo", "--port", 0, environment=environment) as started:
            said = started.said(CONSOLE)
            yield Demo(started, temporary, said[1], int(said[2]))


def test_it_is_healthy_and_becomes_ready(demo: Demo) -> None:
    assert demo.get("healthz").json() == {"status": "ok"}
    eventually(lambda: demo.get("readyz").status_code == 200, 120, lambda: demo.get("readyz").text)


def test_its_cameras_are_live(demo: Demo) -> None:
    def live() -> bool:
        cameras = demo.get("v1/cameras").json()["cameras"]
        assert [camera["name"] for camera in cameras] == ["pier", "gate"]
        return all(camera["state"] == "live" and camera["frames"] > 0 for camera in cameras)

    eventually(live, 120, lambda: demo.get("v1/cameras").text)
    (camera, _) = demo.get("v1/cameras").json()["cameras"]
    assert (camera["width_px"], camera["height_px"], camera["blind_since"]) == (640, 360, None)


def test_the_right_people_are_alerted(demo: Demo) -> None:
    assert {(alert["camera"], alert["entry_id"]) for alert in demo.both_alerts()} == EXPECTED


@pytest.mark.parametrize("kind", ["face", "watchlist", "scene"])
def test_an_alert_has_pictures(demo: Demo, kind: str) -> None:
    alert = demo.both_alerts()[0]
    assert set(alert["images"]) == {"face", "watchlist", "scene"}
    answer = demo.get(alert["images"][kind].lstrip("/"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 40
        picture.load()


def test_the_console_is_served_from_here_alone(demo: Demo) -> None:
    page = demo.get("")
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r"https?://(?!127\.0\.0\.1|www\.w3\.org)\S+", page.text) == []


def test_a_decision_is_recorded(demo: Demo) -> None:
    alert = demo.both_alerts()[0]
    body = {"officer": "PC1", "decision": "possible_match", "note": "seen at the rail"}
    path = f"v1/alerts/{alert['id']}/decision"
    answer = httpx.post(demo.url + path, json=body, timeout=90, trust_env=False)
    assert answer.status_code == 200, answer.text
    (stored,) = [one for one in demo.alerts() if one["id"] == alert["id"]]
    assert stored["status"] == "decided"
    assert (stored["decision"]["decision"], stored["decision"]["officer"]) == ("possible_match", "PC1")


def test_an_alert_that_is_not_there_is_a_problem_document(demo: Demo) -> None:
    answer = demo.get("v1/alerts/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def events(demo: Demo, after: int, count: int) -> list[dict[str, Any]]:
    """So many events of the stream behind an id; the greeting is left out."""
    found: list[dict[str, Any]] = []
    headers = {"Last-Event-ID": str(after)}
    with httpx.stream("GET", demo.url + "v1/alerts/stream", headers=headers, timeout=60, trust_env=False) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count + 1:
                break
    assert found[0]["kind"] == "hello"
    return found[1:]


def test_the_stream_resumes_where_it_was(demo: Demo) -> None:
    demo.both_alerts()
    first = events(demo, 0, 2)
    assert [one["id"] for one in first] == [1, 2]
    raised = [one for one in first if one["kind"] == "alert_raised"]
    assert raised
    assert {(one["alert"]["camera"], one["alert"]["entry_id"]) for one in raised} <= EXPECTED
    assert events(demo, 1, 1) == first[1:]


def test_metrics_count_what_was_seen(demo: Demo) -> None:
    text = demo.get("metrics").text
    counted = dict(re.findall(r'^(lfr_\w+)\{camera="pier"\} (\S+)$', text, flags=re.MULTILINE))
    assert float(counted["lfr_frames_total"]) > 0
    assert float(counted["lfr_alerts_total"]) >= 1


def test_ctrl_c_ends_everything_while_a_console_is_open(demo: Demo) -> None:
    ended = threading.Event()

    def follow() -> None:
        try:
            with httpx.stream("GET", demo.url + "v1/alerts/stream", timeout=60, trust_env=False) as answer:
                for _ in answer.iter_lines():
                    following.set()
        except httpx.HTTPError:
            following.set()
        ended.set()

    following = threading.Event()
    console = threading.Thread(target=follow, daemon=True)
    console.start()
    assert following.wait(60)
    taken_s = demo.started.end(signal.SIGINT, START_S)
    assert demo.started.wait(0) == 0, demo.started.stderr
    assert taken_s < 20
    assert demo.started.left() == {}
    assert not listens(demo.port)
    assert data_folders(demo.temporary) == []
    assert ended.wait(15)
    assert "Traceback" not in demo.started.stderr
