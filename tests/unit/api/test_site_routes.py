"""The site over HTTP: cameras, list, deployments, stop, webhooks, health, metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lfr_ray.api.site_state import CameraState
from lfr_ray.errors import ResourceError
from lfr_ray.focus_config import CameraFocus

Check = Callable[..., dict[str, Any]]


def test_cameras(house: Any) -> None:
    (camera,) = house.get("/v1/cameras").json()["cameras"]
    assert camera["name"] == "gate"
    assert camera["frames_dropped"] == 3
    assert camera["blind_since"] is None


def test_what_is_not_described_never_goes_out(house: Any, check_problem: Check) -> None:
    @dataclass(frozen=True)
    class Zoned(CameraState):
        zone: str = "north"

    house.site.camera = Zoned("gate", "live")
    document = check_problem(house.get("/v1/cameras"), 500, "internal")
    assert "north" not in str(document)


def test_watchlist_and_deployments(house: Any) -> None:
    assert house.get("/v1/watchlist").json()["entries"] == 500
    document = house.get("/v1/deployments").json()
    assert document["deployments"][0]["id"] == "airshow"
    assert document["stop"] is None
    assert document["paused"] == ""
    house.desk.pause(by="breaker", reason="too many false alerts")
    assert house.get("/v1/deployments").json()["paused"] == "too many false alerts"


def test_the_emergency_stop_needs_a_reason_and_names_who(house: Any, check_problem: Check) -> None:
    check_problem(house.post("/v1/stop", {"officer": "PC1"}), 422)
    check_problem(house.get("/v1/stop"), 405, "method-not-allowed")
    assert house.post("/v1/stop", {"officer": "PC1", "reason": "fire"}).json()["reason"] == "fire"
    assert house.get("/v1/deployments").json()["stop"]["by"] == "PC1"
    house.post("/v1/resume", {"officer": "INSP2", "reason": "all clear"})
    assert house.get("/v1/deployments").json()["stop"] is None


def test_webhooks_are_made_listed_and_removed(house: Any, check_problem: Check) -> None:
    made = house.post("/v1/webhooks", {"url": "https://control.example/a?token=hunter22", "officer": "PC1"})
    assert made.status_code == 201
    assert len(made.json()["secret"]) >= 40
    (listed,) = house.get("/v1/webhooks").json()["webhooks"]
    assert "secret" not in listed
    assert "hunter22" not in str(listed)
    assert listed["kinds"] == ["alert_raised", "decision", "outcome", "erasure"]
    path = f"/v1/webhooks/{listed['id']}"
    assert house.ask("DELETE", f"{path}?officer=PC1").status_code == 204
    check_problem(house.ask("DELETE", f"{path}?officer=PC1"), 404)
    assert [kind for kind, _ in house.ledger] == ["webhook_added", "webhook_removed"]
    assert [facts["to"] for _, facts in house.ledger] == ["https://control.example"] * 2
    check_problem(house.get(f"{path}/dead-letters"), 404)
    check_problem(house.ask("POST", f"{path}/test?officer=PC1"), 404)


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://control.example/a", "officer": "PC1"},
        {"url": "https://me:hunter22@control.example/a", "officer": "PC1"},
        {"url": "https://control.example/a", "kinds": [], "officer": "PC1"},
        {"url": "https://control.example/a", "kinds": ["everything"], "officer": "PC1"},
    ],
)
def test_a_wrong_webhook_is_a_problem(house: Any, check_problem: Check, body: dict[str, Any]) -> None:
    document = check_problem(house.post("/v1/webhooks", body), 422)
    assert "hunter22" not in str(document)
    assert house.get("/v1/webhooks").json()["webhooks"] == []


def test_health_and_readiness(house: Any) -> None:
    assert house.get("/healthz").json() == {"status": "ok"}
    assert house.get("/readyz").json() == {"ready": True, "parts": {"matcher": "", "cameras": ""}}
    house.site.parts = {"matcher": "no authority in force", "cameras": ""}
    answer = house.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["matcher"] == "no authority in force"


def test_our_errors_keep_their_status(house: Any, check_problem: Check) -> None:
    house.site.failure = ResourceError("the fleet does not answer", next_step="look at the cluster")
    document = check_problem(house.get("/v1/cameras"), 503, "resource")
    assert document["next_step"] == "look at the cluster"


def test_metrics_are_prometheus_text(house: Any) -> None:
    house.site.meter.count("alerts_total", 2, camera="gate")
    house.site.meter.count("views_rejected_total", 5, camera="gate", reason="small")
    house.site.meter.gauge("camera_blind", 1, camera="gate")
    for value_s in (0.1, 0.2, 0.3):
        house.site.meter.time("match_seconds", value_s, camera="gate")
    answer = house.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    assert 'lfr_alerts_total{camera="gate"} 2.0' in lines
    assert 'lfr_views_rejected_total{camera="gate",reason="small"} 5.0' in lines
    assert 'lfr_camera_blind{camera="gate"} 1.0' in lines
    assert 'lfr_match_seconds_count{camera="gate"} 3.0' in lines
    assert 'lfr_match_seconds_bucket{camera="gate",le="0.15"} 1.0' in lines
    assert 'lfr_match_seconds_bucket{camera="gate",le="0.25"} 2.0' in lines
    assert 'lfr_match_seconds_bucket{camera="gate",le="+Inf"} 3.0' in lines
    assert "# TYPE lfr_match_seconds histogram" in lines
    assert "lfr_event_streams 0.0" in lines
    assert any(line.startswith('lfr_build_info{version="') for line in lines)
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert all(name.startswith("lfr_") for name in names)


def test_metrics_can_be_read_back(house: Any) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    house.site.meter.count("frames_total", 7, camera='odd "name"\n')
    families = {family.name: family for family in text_string_to_metric_families(house.get("/metrics").text)}
    (sample,) = families["lfr_frames"].samples
    assert (sample.value, sample.labels) == (7.0, {"camera": 'odd "name"\n'})


FOCUS = {"regions": [[0.1, 0.2, 0.5, 0.5]], "min_face_px": 60.0}


def test_a_supervisor_sets_where_a_camera_looks(guarded: Any, check_problem: Check) -> None:
    path, body = "/v1/cameras/gate/focus", FOCUS | {"reason": "a poster at the left"}
    answer = guarded.ask("PUT", path, json=body, headers=guarded.by("INSP2"))
    assert (answer.status_code, answer.json()) == (200, FOCUS)
    assert guarded.site.focus == [("gate", CameraFocus.model_validate(FOCUS), "INSP2", "a poster at the left")]
    check_problem(guarded.ask("PUT", path, json=body, headers=guarded.by("PC3", "officer")), 403)
    check_problem(guarded.ask("PUT", path, json=FOCUS, headers=guarded.by("INSP2")), 422)
    for wrong in ([[0.1, 0.2, 0.5]], [[0.1, 0.2, -0.1, 0.5]], [[0.1, 0.2, 1.5, 0.5]], [[0, 0, 1, 1]] * 9):
        check_problem(guarded.ask("PUT", path, json=body | {"regions": wrong}, headers=guarded.by("INSP2")), 422)
    check_problem(guarded.ask("PUT", "/v1/cameras/other/focus", json=body, headers=guarded.by("INSP2")), 404)
    assert len(guarded.site.focus) == 1
