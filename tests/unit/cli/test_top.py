"""What `lfr top` shows."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from lfr_ray.api.prometheus_text import exposition
from lfr_ray.api.site_state import CameraList, CameraState, DeploymentList, DeploymentState, Readiness, StopState
from lfr_ray.cli.top import Look, numbers_of, shown
from lfr_ray.metrics import Meter

GATE = CameraState(
    "gate", "live", fps=4.5, fps_wanted=9.0, frames_dropped=41, faces_seen=7, faces_compared=5, answer_ms=199.6
)
PIER = CameraState("pier", "blind", blind_since=925.0, problem="[Errno 111] refused")
SERVED = DeploymentList((DeploymentState("airshow", "live", "in force"),), site="harbour")


def counted() -> dict[tuple[str, str], float]:
    meter = Meter()
    meter.gauge("undecided_alerts", 2)
    meter.gauge("oldest_undecided_alert_seconds", 75.4)
    return dict(numbers_of(exposition(meter.snapshot()).decode()))


LOOK = Look("http://host", 1000.0, Readiness(True, {"matcher": ""}), CameraList((GATE, PIER)), SERVED, counted())


def text(seen: Look) -> str:
    written = io.StringIO()
    Console(file=written, width=160).print(shown(seen))
    return written.getvalue()


def test_a_site_that_works() -> None:
    lines = text(LOOK).splitlines()
    assert lines[0].split()[:2] == ["harbour", "ready"]
    assert "authority: airshow live in force" in lines
    assert "undecided alerts: 2, the oldest for 0:01:15" in lines
    (gate,) = (line for line in lines if "gate" in line)
    assert [cell.strip() for cell in gate.strip("│").split("│")] == [
        *("gate", "live", "4.5 of 9.0", "-", "41", "7", "5", "200 ms", "")
    ]
    (pier,) = (line for line in lines if "pier" in line)
    assert "0:01:15" in pier
    assert "[Errno 111] refused" in pier


def test_a_site_that_does_not() -> None:
    halted = replace(SERVED, stop=StopState("PC1", "an exercise", ""), paused="too many false alerts")
    reasons = Readiness(False, {"matcher": "", "authority": "it has [expired]"})
    said = text(replace(LOOK, readiness=reasons, deployments=halted))
    assert "not ready" in said
    assert "authority: it has [expired]" in said
    assert "matching is stopped: an exercise" in said
    assert "alerts are paused: too many false alerts" in said
    assert "PC1" not in said + json.dumps(replace(LOOK, deployments=halted).document())


def test_what_a_site_does_not_tell_is_not_known() -> None:
    nothing = replace(LOOK, cameras=None, deployments=None, numbers={})
    assert "undecided alerts: not known" in text(nothing)
    assert "http://host" in text(nothing)
    assert (nothing.document()["cameras"], nothing.document()["undecided_alerts"]) == ([], None)


def test_without_the_metrics_the_latency_is_known_and_the_alerts_are_not() -> None:
    told = replace(LOOK, numbers={}).document()
    assert [one["latency_ms"] for one in told["cameras"]] == [199.6, None]
    assert told["undecided_alerts"] is None
