"""Numbers of H.264 and HEVC pictures: what is missing is counted, and no bytes do harm."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.camera.lost_picture_numbers import PictureNumbers

COUNT = 60
KINDS: dict[str, tuple[str, int, dict[str, str]]] = {
    "h264": ("libx264", 0, {"preset": "veryfast"}),
    "h264, B pictures": ("libx264", 3, {"preset": "veryfast", "x264-params": "b-adapt=0:b-pyramid=normal:scenecut=0"}),
    "h264, B pictures, interlaced": ("libx264", 2, {"preset": "veryfast", "x264-params": "tff=1:scenecut=0"}),
    "hevc": ("libx265", 3, {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3:b-adapt=0"}),
    "hevc, no B pictures": ("libx265", 0, {"preset": "ultrafast", "x265-params": "log-level=none:bframes=0"}),
}


@dataclass(frozen=True)
class Coded:
    """A moving picture's codec, parameters, and packets by their time stamps, in the order of decoding."""

    codec: str
    extradata: bytes
    packets: tuple[tuple[int, bytes], ...]

    def shown(self) -> list[int]:
        return sorted(pts for pts, _ in self.packets)


@pytest.fixture(scope="module", params=[(kind, form) for kind in KINDS for form in ("mp4", "mpegts")], ids=" in ".join)
def coded(request: pytest.FixtureRequest) -> Coded:
    (codec, b_pictures, options), held = KINDS[request.param[0]], io.BytesIO()
    with av.open(held, "w", format=request.param[1]) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.gop_size, stream.max_b_frames = 30, b_pictures
        for index in range(COUNT):
            picture = np.full((64, 64, 3), 4 * index % 250, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    held.seek(0)
    with av.open(held) as container:
        found = container.streams.video[0].codec_context
        packets = tuple((one.pts or 0, bytes(one)) for one in container.demux(video=0) if one.size)
        return Coded(found.name, found.extradata or b"", packets)


def missing(coded: Coded, dropped: Sequence[int] = (), squeezed: bool = False, pause_every: int = 0) -> int:
    """What is told when pictures are dropped, counted in the order of showing."""
    order = coded.shown()
    gone = {order[index] for index in dropped}
    kept = [pts for pts in order if pts not in gone]
    at = {pts: (order[place] if squeezed else pts) for place, pts in enumerate(kept)}
    if pause_every:
        step = order[1] - order[0]
        at = {pts: pts + step * (place // pause_every) for place, pts in enumerate(kept)}
    numbers = PictureNumbers(coded.codec, coded.extradata)
    told = 0
    waiting: list[int] = []
    for pts, packet in coded.packets:
        if pts in at:
            numbers.read(packet, at[pts])
            waiting = sorted([*waiting, at[pts]])
        if len(waiting) > 8:
            told += numbers.missing(waiting.pop(0))
    return told + sum(numbers.missing(pts) for pts in waiting)


def test_nothing_is_missing_in_what_is_whole(coded: Coded) -> None:
    assert len(coded.packets) == COUNT
    assert missing(coded) == 0


@pytest.mark.parametrize("dropped", [[7], [10, 11, 12], [5, 8, 20, 41, 55], list(range(40, 46))])
def test_each_that_was_dropped_is_counted(coded: Coded, dropped: list[int]) -> None:
    assert missing(coded, dropped) == len(dropped)


def test_a_number_without_a_pause_is_damage_and_a_pause_without_a_number_is_meant(coded: Coded) -> None:
    assert missing(coded, [7], squeezed=True) == 0
    assert missing(coded, pause_every=5) == 0


def test_what_was_read_and_not_decoded_is_not_missing(coded: Coded) -> None:
    numbers = PictureNumbers(coded.codec, coded.extradata)
    for pts, packet in coded.packets[:20]:
        numbers.read(packet, pts)
    shown = coded.shown()[:15]
    assert sum(numbers.missing(pts) for place, pts in enumerate(shown) if place not in {5, 6}) == 0


@given(
    st.sampled_from(["h264", "hevc"]),
    st.binary(max_size=80),
    st.lists(st.tuples(st.binary(max_size=80), st.none() | st.integers()), max_size=5),
)
def test_no_bytes_do_harm(codec: str, extradata: bytes, packets: list[tuple[bytes, int | None]]) -> None:
    numbers = PictureNumbers(codec, extradata)
    for packet, pts in packets:
        numbers.read(packet, pts)
        assert numbers.missing(pts) >= 0
