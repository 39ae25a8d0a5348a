"""The demo's site: looping for people who look at it, once through for a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.cli.run import _demo_site


@pytest.mark.parametrize(("headless", "on_end"), [(False, "loop"), (True, "stop")])
def test_the_footage_loops_unless_the_demo_is_headless(tmp_path: Path, headless: bool, on_end: str) -> None:
    file = _demo_site(tmp_path / "data", headless=headless, port=8123)
    assert [camera.name for camera in file.site.cameras] == ["pier", "gate"]
    assert {camera.on_end for camera in file.site.cameras} == {on_end}
    assert (file.site.data_dir, file.port) == (tmp_path / "data", 8123)
