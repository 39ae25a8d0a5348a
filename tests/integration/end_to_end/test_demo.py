"""`lfr demo` as a newcomer starts it: the right people are alerted, and it leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import START_S, command, eventually, listens, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

CONSOLE = r"console and alerts: (http://127\.0\.0\.1:(\d+)/)"
EXPECTED = {("pier", "demo-touchline"), ("gate", "demo-astronaut")}


CAMERA_MB, SITE_MB = 200, 2500
SHOWN = ("ray::CameraActor", "")


def own_mb(pid: int) -> float:
    """Memory of its own, and its part of what it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def data_folders(temporary: Path) -> list[str]:
    return sorted(path.name for path in temporary.iterdir() if path.name.startswith("lfr-command-"))


def test_headless_alerts_the_right_people_and_nobody_else_and_leaves_nothing(tmp_path: Path) -> None:
    temporary, result = tmp_path / "temporary", tmp_path / "result.json"
    temporary.mkdir()
    with short_folder() as ray_folder:
        environment = {"TMPDIR": str(temporary), "RAY_TMPDIR": str(ray_folder)}
        words = ("lfr", "demo", "--headless", "--port", 0, "--json", result)
        with command(tmp_path, *words, environment=environment) as demo:
            port = int(demo.said(CONSOLE)[2])
            assert data_folders(temporary), "the data folder is not where the test looks for it"
            eventually(lambda: "possible match" in demo.stdout, START_S, lambda: demo.stderr)
            own = {name: [own_mb(pid) for pid, one in demo.living().items() if one.startswith(name)] for name in SHOWN}
            assert len(own["ray::CameraActor"]) == 2
            assert max(own["ray::CameraActor"]) < CAMERA_MB
            assert sum(own[""]) < SITE_MB
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


def test_sigterm_under_load_ends_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    busy = [("python", "-c", "while True: pass")] * (os.cpu_count() or 1)
    with short_folder() as ray_folder, ExitStack() as running:
        environment = {"TMPDIR": str(temporary), "RAY_TMPDIR": str(ray_folder)}
        with command(tmp_path, "lfr", "demo", "--port", 0, environment=environment) as demo:
            port = int(demo.said(CONSOLE)[2])
            eventually(lambda: "possible match" in demo.stdout, START_S, lambda: demo.stderr)
            for words in busy:
                running.enter_context(command(tmp_path, *words))
            taken_s = demo.end(signal.SIGTERM, 60)
            assert demo.wait(0) == 143, demo.stderr
            assert taken_s < 10.0
            assert demo.left() == {}
            eventually(lambda: not listens(port), 10.0)  # what was killed may close it a moment later
    assert list(temporary.iterdir()) == []
    assert "Traceback" not in demo.stderr
    assert "SIGTERM received" not in demo.stderr, "Ray's own handler"


def test_a_port_that_is_taken_is_said_before_ray_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with command(tmp_path, "lfr", "demo", "--port", port) as demo:
            assert demo.wait(60) == 2
    assert re.search(rf"got: 127\.0\.0\.1:{port}: .*in use", demo.stderr)
    assert "--port" in demo.stderr
    assert "Traceback" not in demo.stderr
