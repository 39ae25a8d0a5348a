"""Every process of ours writes its log as one line of JSON an event, and none of it to standard output."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

from lfr_ray.clock import parse_utc

SAYS = "from lfr_ray.actors.actor_keeper import log; log.warning('camera actor failed', camera='pier', error='OSError')"


def test_an_event_is_a_line_of_json_on_stderr() -> None:
    done = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert done.stdout == "", "it belongs to results"
    said = json.loads(done.stderr.splitlines()[-1])
    assert parse_utc(said.pop("timestamp")) > 0
    assert said == {"event": "camera actor failed", "level": "warning", "camera": "pier", "error": "OSError"}


ABOUT_PEOPLE = {"name", "face", "entry", "entry_id", "person", "officer", "by", "similarity", "vector", "box"}


def test_no_log_tells_of_a_person(sources: list[Path]) -> None:
    """What a line may hold: the process, the camera, the kind of an error; no name, no entry and no face."""
    calls = [
        (path.name, call)
        for path in sources
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("log", "_log")
        and call.func.attr in ("debug", "info", "warning", "error", "exception")
    ]
    assert len(calls) > 10
    for name, call in calls:
        assert isinstance(call.args[0], ast.Constant), f"{name}: an event has fields; its sentence is fixed"
        assert not {one.arg for one in call.keywords} & ABOUT_PEOPLE, name
