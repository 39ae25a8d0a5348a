"""Numbers of H.264 pictures: what is missing is counted, and no bytes do harm."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.camera.h264_numbers import PictureNumbers

STEP = 512
Coded = tuple[bytes, list[bytes]]


@pytest.fixture(scope="module", params=["mp4", "mpegts"])
def coded(request: pytest.FixtureRequest) -> Coded:
    """A moving picture's extradata and packets, in both ways in which H.264 is stored."""
    held = io.BytesIO()
    with av.open(held, "w", format=request.param) as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size, stream.max_b_frames = 64, 48, "yuv420p", 30, 0
        for index in range(60):
            picture = np.full((48, 64, 3), 3 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    held.seek(0)
    with av.open(held) as container:
        extradata = container.streams.video[0].codec_context.extradata or b""
        return extradata, [bytes(packet) for packet in container.demux(video=0) if packet.size]


def missing(coded: Coded, kept: Sequence[int], paused: bool = True) -> int:
    numbers = PictureNumbers(coded[0])
    return sum(
        numbers.missing(coded[1][index], STEP * (index if paused else place)) for place, index in enumerate(kept)
    )


def test_nothing_is_missing_in_what_is_whole(coded: Coded) -> None:
    assert len(coded[1]) == 60
    assert missing(coded, range(60)) == 0


@pytest.mark.parametrize("dropped", [{7}, {10, 11, 12}, {3, 8, 20, 41, 55}, set(range(40, 52))])
def test_each_that_was_dropped_is_counted(coded: Coded, dropped: set[int]) -> None:
    assert missing(coded, [index for index in range(60) if index not in dropped]) == len(dropped)


def test_a_number_without_a_pause_is_damage_and_a_pause_without_a_number_is_meant(coded: Coded) -> None:
    assert missing(coded, [index for index in range(60) if index != 7], paused=False) == 0
    numbers = PictureNumbers(coded[0])
    assert sum(numbers.missing(one, STEP * (index + index // 5)) for index, one in enumerate(coded[1])) == 0


@given(st.binary(max_size=80), st.lists(st.tuples(st.binary(max_size=80), st.none() | st.integers()), max_size=5))
def test_no_bytes_do_harm(extradata: bytes, packets: list[tuple[bytes, int | None]]) -> None:
    numbers = PictureNumbers(extradata)
    assert all(numbers.missing(packet, dts) >= 0 for packet, dts in packets)
