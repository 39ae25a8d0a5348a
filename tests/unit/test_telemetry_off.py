"""The switches are set whatever the environment said, and memory is never dumped."""

from __future__ import annotations

import os
import sys
import types

import pytest

from lfr_ray import core_dumps_and_spilling_off
from lfr_ray.core_dumps_and_spilling_off import core_dumps_forbidden
from lfr_ray.telemetry_off import SWITCHES, hush


def test_importing_the_project_hushes_the_process() -> None:
    # pytest's own conftest cannot have done all of it: it knows only some of the switches.
    assert {name: os.environ.get(name) for name in SWITCHES} == dict(SWITCHES)


def test_the_environment_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SWITCHES:
        monkeypatch.setenv(name, "somebody else's choice")
    hush()
    hush()
    assert {name: os.environ[name] for name in SWITCHES} == dict(SWITCHES)


def test_core_dumps_are_forbidden_for_good() -> None:
    hush()
    assert core_dumps_forbidden()


@pytest.mark.skipif(sys.platform == "win32", reason="no core files of this kind")
@pytest.mark.parametrize(
    ("limits", "forbidden"),
    [((0, 0), True), ((1, 1), True), ((0, -1), False), ((-1, -1), False), ((0, 4096), False), ((4096, 4096), False)],
)
def test_only_a_low_hard_limit_counts(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], forbidden: bool
) -> None:
    monkeypatch.setattr(core_dumps_and_spilling_off.resource, "getrlimit", lambda kind: limits)
    assert core_dumps_forbidden() is forbidden


def test_ultralytics_loaded_before_is_silenced_without_touching_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings(dict[str, object]):
        def __setitem__(self, key: str, value: object) -> None:
            raise AssertionError("this would rewrite the user's settings file")

    loaded = types.ModuleType("ultralytics.utils")
    loaded.SETTINGS, loaded.ONLINE = Settings(sync=True), True  # type: ignore[attr-defined]
    events = types.ModuleType("ultralytics.utils.events")
    events.events = types.SimpleNamespace(enabled=True)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ultralytics.utils", loaded)
    monkeypatch.setitem(sys.modules, "ultralytics.utils.events", events)
    hush()
    assert loaded.SETTINGS["sync"] is False
    assert loaded.ONLINE is False
    assert events.events.enabled is False
