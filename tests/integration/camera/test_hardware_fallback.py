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
from av.video.reformatter import VideoReformatter

from lfr_ray.camera import decode_video, hardware_decoding
from lfr_ray.camera.camera_address import parse_address
from lfr_ray.camera.decode_video import VideoFootage
from lfr_ray.camera.decoded_picture import DecodedImage
from lfr_ray.clock import SystemClock
from lfr_ray.errors import StreamError

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


def test_pictures_in_two_planes_are_read_as_those_in_three(tmp_path: Path) -> None:
    """As graphics cards decode, here from a recording that is stored so."""
    path = tmp_path / "planes.mkv"
    y, x = np.mgrid[0:96, 0:128]
    waves = np.stack([127 + 100 * np.sin(x / 9 + y / 13 + phase) for phase in (0.0, 0.4, 0.8)], axis=2)
    three = av.VideoFrame.from_ndarray(waves.astype(np.uint8), "rgb24").reformat(format="yuv420p")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "nv12"
        container.mux(stream.encode(three.reformat(format="nv12")))
        container.mux(stream.encode())
    footage = VideoFootage(parse_address(str(path)), clock=SystemClock(), stopping=threading.Event(), stall_s=5.0)
    (picture,) = footage.pictures()
    footage.close()
    image = picture.convert()
    assert image is not None
    np.testing.assert_array_equal(image.part(10, 20, 60, 80), image.whole()[20:80, 10:60])
    expected = DecodedImage(three, 1, VideoReformatter()).whole()
    np.testing.assert_array_equal(image.whole(), expected)


@pytest.mark.parametrize(("fault", "times"), [("", 1), ("it cannot be opened: OSError", 2)])
def test_a_camera_that_does_not_answer_is_asked_once_where_the_card_can_be_opened(
    monkeypatch: pytest.MonkeyPatch, fault: str, times: int
) -> None:
    asked: list[object] = []

    def silent(*arguments: object) -> None:
        asked.append(arguments)
        raise StreamError("no answer in time")

    monkeypatch.setattr(decode_video, "hardware_for", lambda _wanted: (object(), ""))
    monkeypatch.setattr(decode_video, "opening_fault", lambda _card: fault)
    monkeypatch.setattr(decode_video, "open_container", silent)
    with pytest.raises(StreamError):
        VideoFootage(parse_address("rtsp://192.0.2.7/a"), clock=SystemClock(), stopping=threading.Event(), stall_s=5.0)
    assert len(asked) == times


@pytest.mark.skipif("cuda" not in hwdevices_available(), reason="PyAV was built without CUDA")
def test_a_card_that_was_lost_since_it_was_tried_leaves_the_recording_to_the_processor(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = HWAccel("cuda", allow_software_fallback=True)  # this machine has none: to open it fails
    monkeypatch.setattr(decode_video, "hardware_for", lambda _wanted: (lost, ""))
    count, problems = read(clip, "auto")
    assert (count, problems) == (PICTURES, [])
