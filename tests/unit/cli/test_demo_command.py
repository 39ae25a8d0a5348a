"""The demo's site: looping for people who look at it, once through for a program."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lfr_ray.cli.main import app
from lfr_ray.cli.run import _demo_site
from lfr_ray.errors import SourceError


@pytest.mark.parametrize(("headless", "on_end"), [(False, "loop"), (True, "stop")])
def test_the_footage_loops_unless_the_demo_is_headless(tmp_path: Path, headless: bool, on_end: str) -> None:
    file = _demo_site(tmp_path / "data", [], headless=headless, port=8123)
    assert [camera.name for camera in file.site.cameras] == ["pier", "gate"]
    assert {camera.on_end for camera in file.site.cameras} == {on_end}
    assert (file.site.data_dir, file.port) == (tmp_path / "data", 8123)


def test_recordings_of_ones_own_take_the_place_of_the_demos(tmp_path: Path) -> None:
    clip = tmp_path / "my holiday.mp4"
    clip.write_bytes(b"film")
    file = _demo_site(tmp_path / "data", [clip], headless=False, port=8123)
    (camera,) = file.site.cameras
    assert (camera.name, camera.url, camera.on_end) == ("my-holiday", str(clip), "loop")
    assert file.site.watchlist == ""
    assert file.site.authority.kind == "test"
    assert CliRunner().invoke(app, ["demo", str(clip), "--headless"]).exit_code == 2
    with pytest.raises(SourceError, match=r"^the recording does not exist; got: .*gone\.mp4; next: "):
        _demo_site(tmp_path / "data", [tmp_path / "gone.mp4"], headless=False, port=8123)
