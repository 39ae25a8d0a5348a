"""Where a graphics card cannot decode, the processor does; of one that was asked for it is said."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.codec.hwaccel import HWAccel, hwdevices_available

from lfr_ray.camera import decode_video, hardware_decoding
from lfr_ray.camera.camera_address import parse_address
from lfr_ray.camera.decode_video import VideoFootage
from lfr_ray.clock import SystemClock

PICTURES = 5


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in range(PICTURES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), "rgb24")))
        container.mux(stream.encode())
    return path


def read(path: Path, decode: str) -> tuple[int, list[str]]:
    """Pictures, and what was told."""
    clock = SystemClock()
    footage = VideoFootage(
        parse_address(str(path)), clock=clock, stopping=threading.Event(), stall_s=5.0, decode=decode
    )
    try:
        return sum(one.convert() is not None for one in footage.pictures()), footage.counts.problems
    finally:
        footage.close()


@pytest.mark.skipif("cuda" not in hwdevices_available(), reason="PyAV was built without CUDA")
@pytest.mark.parametrize(
    ("decode", "told"), [("cuda", r"^decode: cuda is not possible \(.*; the processor"), ("auto", "")]
)
def test_a_device_that_cannot_be_opened(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decode: str, told: str
) -> None:
    (tmp_path / "device").touch()  # it is there, but behind it is no card
    monkeypatch.setattr(hardware_decoding, "DEVICE_FILES", {"cuda": str(tmp_path / "device")})
    count, problems = read(clip, decode)
    assert count == PICTURES
    assert len(problems) == bool(told)
    assert not problems or re.search(told, problems[0])


@pytest.mark.skipif("drm" not in hwdevices_available(), reason="PyAV was built without DRM")
def test_a_device_that_does_not_decode_this_format(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        decode_video, "hardware_for", lambda _wanted: (HWAccel("drm", allow_software_fallback=True), "")
    )
    count, (told,) = read(clip, "cuda")
    assert count == PICTURES
    assert "it does not decode h264" in told


@pytest.mark.parametrize(("pixels", "on_card"), [("yuv420p", False), ("nv12", True)])
def test_a_card_that_leaves_the_pictures_to_the_processor_is_found_out(pixels: str, *, on_card: bool) -> None:
    footage: Any = VideoFootage.__new__(VideoFootage)  # as after the first picture
    footage._stream = SimpleNamespace(codec_context=SimpleNamespace(is_hwaccel=True))
    footage._first = [av.VideoFrame(64, 48, pixels)]
    assert footage._on_device() is on_card
