"""Pictures out of bytes that come in any pieces, with anything between them."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lfr_ray.camera.jpeg_stream import MOST_BYTES, JpegSplitter
from lfr_ray.camera.still_pictures import read_picture


def jpeg(number: int, **options: object) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (24 + 8 * number, 32, 3), np.uint8)
    Image.fromarray(pixels).save(out, "JPEG", **options)
    return out.getvalue()


def with_thumbnail() -> bytes:
    """A picture within a picture, as cameras put it into the metadata."""
    exif = b"Exif\0\0" + jpeg(0)
    whole = jpeg(1)
    return whole[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + whole[2:]


PICTURES = [jpeg(0), jpeg(1, progressive=True), jpeg(2, quality=95, restart_marker_blocks=4), with_thumbnail()]


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at, number = [], 0, 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        found.append(data[at : at + size])
        at, number = at + size, number + 1
    return found


def split(data: bytes, sizes: list[int]) -> tuple[list[bytes], int]:
    splitter = JpegSplitter()
    return [one for piece in pieces(data, sizes) for one in splitter.feed(piece)], splitter.damaged


BETWEEN = [
    b"\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9999999\r\n\r\n",
    b"",
    b"\xff",
    b"garbage " * 50,
]


@given(st.sampled_from(BETWEEN), st.lists(st.integers(1, 4000), min_size=1, max_size=5))
def test_every_picture_comes_whole_whatever_stands_between(between: bytes, sizes: list[int]) -> None:
    data = b"HTTP" + between + between.join(PICTURES) + between
    assert split(data, sizes) == (PICTURES, 0)


@given(st.integers(25, len(PICTURES[1]) - 1), st.integers(1, 3000))
def test_one_that_is_cut_off_costs_no_other(cut: int, size: int) -> None:
    # Where a length was cut off, up to 64 KiB may have to come before that is known.
    cut_off = PICTURES[1][:cut] + b"\r\n--frame\r\n\r\n"
    found, damaged = split(PICTURES[0] + cut_off + PICTURES[2] + b"\r\n" * 33_000 + PICTURES[0], [size * 20])
    assert found[0] == PICTURES[0]
    assert found[-1] == PICTURES[0]
    assert PICTURES[2] in found
    assert len(found) + damaged == 4


def test_a_picture_without_an_end_is_shown() -> None:
    found, damaged = split(PICTURES[0][:-2] + PICTURES[2], [100])
    assert damaged == 0
    assert read_picture(found[0]).shape == read_picture(PICTURES[0]).shape


def test_what_never_ends_is_no_picture() -> None:
    splitter = JpegSplitter()
    assert splitter.feed(PICTURES[0][:-2] + b"\x00" * MOST_BYTES) == []
    assert splitter.damaged == 1
    assert splitter.feed(PICTURES[2]) == [PICTURES[2]]


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    splitter = JpegSplitter()
    splitter.feed(data)
    assert splitter.feed(b"\xff\xd9" + PICTURES[0] + PICTURES[0])[-1:] == [PICTURES[0]]
