"""`lfr top` against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from lfr_ray.api.site_state import CameraState
from lfr_ray.cli import top
from lfr_ray.errors import FailureError, RefusedError


def run(*arguments: str) -> Any:
    return CliRunner(env={"COLUMNS": "160"}).invoke(top.app, arguments)


def test_how_a_site_is_without_looking_at_alerts(
    serve: Callable[..., Any], make_sighting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = serve(demo_officer="")
    house.desk.raise_alert(make_sighting())
    house.site.shown = [CameraState("gate", "live", fps=4.5, fps_wanted=9.0)]
    house.site.parts = {"authority": "none is in force"}
    assert isinstance(run("--server", house.url).exception, RefusedError)
    monkeypatch.setenv("LFR_API_TOKEN", house.token("ADMIN1", "administrator"))
    shown = run("--server", house.url, "--once")
    assert shown.exit_code == 0, shown.exception
    assert "not ready" in shown.stdout
    assert "4.5 of 9.0" in shown.stdout
    document = json.loads(run("--server", house.url, "--json", "-").stdout)
    assert (document["ready"], document["parts"]) == (False, house.site.parts)
    assert (document["cameras"][0]["name"], document["cameras"][0]["blind_s"]) == ("gate", None)
    assert "Nobody Listed" not in shown.stdout + str(document)
    assert house.consulted == []
    house.stop()
    assert isinstance(run("--server", house.url, "--once").exception, FailureError)
    house.start()
