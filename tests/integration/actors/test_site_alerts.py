"""A live site over HTTP, as its console and other programs use it."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.integration.actors.conftest import EXPECTED, SOON_S, Site
from tests.processes import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


def test_it_is_healthy_and_becomes_ready(site: Site) -> None:
    assert site.get("healthz").json() == {"status": "ok"}
    eventually(lambda: site.get("readyz").status_code == 200, SOON_S, lambda: site.get("readyz").text)


def test_its_cameras_are_live(site: Site) -> None:
    def live() -> bool:
        cameras = site.get("v1/cameras").json()["cameras"]
        assert [camera["name"] for camera in cameras] == ["pier", "gate", "mast"]
        return all(camera["state"] == "live" and camera["frames"] > 0 for camera in cameras[:2])

    eventually(live, SOON_S, lambda: site.get("v1/cameras").text)
    (camera, *_) = site.get("v1/cameras").json()["cameras"]
    assert (camera["width_px"], camera["height_px"], camera["blind_since"]) == (640, 360, None)


@pytest.mark.parametrize("kind", ["face", "watchlist", "scene", "view1", "view2"])
def test_an_alert_has_pictures(site: Site, kind: str) -> None:
    alert = site.both_alerts()[0]
    assert set(alert["images"]) == {"face", "watchlist", "scene"}
    assert len(alert["views"]) >= 2, "three views were compared"
    answer = site.get(f"v1/alerts/{alert['id']}/images/{kind}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 40
        picture.load()


def test_a_camera_shows_on_demand_what_it_sees(site: Site) -> None:
    def shown() -> bool:
        answer = site.get("v1/cameras/gate/preview")
        return (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg") and whole(answer.content)

    def whole(jpeg: bytes) -> bool:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.load()
            return picture.size == (480, 270)

    eventually(shown, SOON_S, lambda: site.get("v1/cameras/gate/preview").text)
    assert site.get("v1/cameras/nowhere/preview").status_code == 404


def test_the_ledger_is_read_and_verified(site: Site) -> None:
    site.both_alerts()
    verdict = site.get("v1/audit").json()
    assert (verdict["holds"], verdict["faults"]) == (True, [])
    found = site.get("v1/audit/records?limit=2").json()
    assert [row["n"] for row in found["records"]] == [found["before"] + 1, found["before"]]
    older = site.get(f"v1/audit/records?limit=1&before={found['before']}").json()["records"]
    assert [row["n"] for row in older] == [found["before"] - 1]
    looked = site.get("v1/audit/records?kind=consultation&text=PC1").json()["records"]
    assert {row["kind"] for row in looked} == {"consultation"}


def test_the_site_says_what_may_be_expected_of_it(site: Site) -> None:
    assert site.get("v1/deployments").json()["site"]
    listed = site.get("v1/watchlist").json()
    assert listed["categories"] == {"test": listed["entries"]}
    assert 0 < listed["false_alerts_per_10k_faces"] <= 10
    answer = site.get("v1/record")
    assert (answer.status_code, answer.json()["title"]) == (404, "The thing asked for does not exist")


def test_the_console_is_served_from_here_alone(site: Site) -> None:
    page = site.get("")
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r"https?://(?!127\.0\.0\.1|www\.w3\.org)\S+", page.text) == []


def test_a_decision_is_recorded(site: Site) -> None:
    alert = site.both_alerts()[0]
    body = {"officer": "PC1", "decision": "possible_match", "note": "seen at the rail"}
    path = f"v1/alerts/{alert['id']}/decision"
    answer = site.post(path, **body)
    assert answer.status_code == 200, answer.text
    (stored,) = [one for one in site.alerts() if one["id"] == alert["id"]]
    assert stored["status"] == "decided"
    assert (stored["decision"]["decision"], stored["decision"]["officer"]) == ("possible_match", "PC1")


def test_an_alert_that_is_not_there_is_a_problem_document(site: Site) -> None:
    answer = site.get("v1/alerts/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def events(site: Site, after: int, count: int) -> list[dict[str, Any]]:
    """So many events of the stream behind an id; the greeting is left out."""
    found: list[dict[str, Any]] = []
    headers = {"Last-Event-ID": str(after)}
    with httpx.stream(
        "GET", site.file.console_url + "v1/alerts/stream", headers=headers, timeout=60, trust_env=False
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count + 1:
                break
    assert found[0]["kind"] == "hello"
    return found[1:]


def test_the_stream_resumes_where_it_was(site: Site) -> None:
    site.both_alerts()
    first = events(site, 0, 2)
    assert [one["id"] for one in first] == [1, 2]
    raised = [one for one in first if one["kind"] == "alert_raised"]
    assert raised
    shown = [site.get(f"v1/alerts/{one['alert_id']}").json() for one in raised]
    assert {(one["camera"], one["entry_id"]) for one in shown} <= EXPECTED
    assert [one["changed"]["camera"] for one in raised] == [one["camera"] for one in shown]
    assert events(site, 1, 1) == first[1:]


def test_metrics_count_what_was_seen(site: Site) -> None:
    text = site.get("metrics").text
    counted = dict(re.findall(r'^(lfr_\w+)\{camera="pier"\} (\S+)$', text, flags=re.MULTILINE))
    assert float(counted["lfr_frames_total"]) > 0
    assert float(counted["lfr_alerts_total"]) >= 1
