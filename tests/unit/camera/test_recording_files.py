"""Rules for recordings are checked before any file is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.camera.recording_files import open_recordings
from lfr_ray.errors import ConfigError


@pytest.mark.parametrize("fps", [0.0, -1.0, 121.0, float("nan")])
def test_a_rate_that_is_none(fps: float) -> None:
    with pytest.raises(ConfigError, match="--fps is no number of frames a second") as found:
        open_recordings([Path("missing.mp4")], fps=fps)
    assert (found.value.got, found.value.allowed) == (f"{fps:g}", "more than 0, up to 120")
    assert found.value.next_step
