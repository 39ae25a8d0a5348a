"""A decoded picture is the same, whether all of it is converted or only what is wanted."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from lfr_ray.camera.decoded_picture import PART_PX, DecodedImage, in_planes
from lfr_ray.camera.orientation import turned
from lfr_ray.models.shrink_pictures import halved

MATRICES = {"bt709": 1, "bt601": 6, "unknown": 2}
RANGES = {"limited": 1, "full": 2, "unknown": 0}


def decoded(
    width_px: int = 640, height_px: int = 480, pixels: str = "yuv420p", *, matrix: int = 1, range_: int = 1
) -> av.VideoFrame:
    """Waves of colour, as a decoder would give them."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    waves = [127 + 100 * np.sin(x / 17 + y / 29 + phase) for phase in (0.0, 0.3, 0.6)]
    frame = av.VideoFrame.from_ndarray(np.stack(waves, axis=2).astype(np.uint8), format="rgb24").reformat(format=pixels)
    frame.colorspace, frame.color_range = matrix, range_
    return frame


def image(frame: av.VideoFrame, orientation: int = 1) -> DecodedImage:
    return DecodedImage(frame, orientation, VideoReformatter())


@pytest.mark.parametrize("range_", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "yuv444p"])
def test_a_part_is_that_part_of_the_whole(pixels: str, matrix: int, range_: int) -> None:
    frame = decoded(pixels=pixels, matrix=matrix, range_=range_)
    whole = image(frame).whole()
    for left, top, right, bottom in ((0, 0, 64, 64), (101, 57, 164, 118), (576, 416, 640, 480)):
        np.testing.assert_array_equal(image(frame).part(left, top, right, bottom), whole[top:bottom, left:right])


@pytest.mark.parametrize("size", [(641, 480), (640, 479), (35, 21)])
def test_odd_sides(size: tuple[int, int]) -> None:
    frame = decoded(*size)
    whole = image(frame).whole()
    assert whole.shape == (size[1], size[0], 3)
    right, bottom = size
    np.testing.assert_array_equal(image(frame).part(9, 3, right, bottom), whole[3:, 9:])
    assert image(frame).halved(1).shape == (size[1] // 2, size[0] // 2, 3)


@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "yuv444p"])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_halving_before_or_after_the_conversion(times: int, pixels: str) -> None:
    frame = decoded(pixels=pixels)
    small, expected = image(frame).halved(times), halved(image(frame).whole(), times)
    assert small.shape == expected.shape
    # In YUV the colours get coarser with it; brightness does not.
    difference = small.mean(axis=2) - expected.mean(axis=2)
    assert abs(difference).mean() < 1.5 * max(1, times)
    assert abs(difference).max() < 8 * max(1, times)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_turned(orientation: int) -> None:
    frame = decoded(640, 320)
    upright = turned(image(frame).whole(), orientation)
    one = image(frame, orientation)
    assert one.size_px == (upright.shape[1], upright.shape[0])
    np.testing.assert_array_equal(one.part(11, 20, 99, 200), upright[20:200, 11:99])
    np.testing.assert_array_equal(one.halved(1), halved(upright, 1) if orientation > 1 else one.halved(1))


def test_many_parts_convert_the_whole_once() -> None:
    one = image(decoded())
    wanted = 640 * 480 // PART_PX + 1
    parts = [one.part(0, 0, 32, 32) for _ in range(wanted)]
    assert not np.shares_memory(parts[0], one.whole())
    assert np.shares_memory(parts[-1], one.whole())
    np.testing.assert_array_equal(parts[0], parts[-1])


@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "yuv444p"])
def test_brightness(pixels: str) -> None:
    frame = decoded(pixels=pixels)
    assert image(frame).luma().shape == (480, 640)
    assert np.corrcoef(image(frame).luma().ravel(), image(frame).whole()[..., 1].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("range_", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_what_a_graphics_card_decodes_is_made_rgb_as_what_a_processor_decodes(matrix: int, range_: int) -> None:
    frame = decoded(matrix=matrix, range_=range_)
    theirs = frame.reformat(format="nv12")
    theirs.colorspace, theirs.color_range = matrix, range_
    split = in_planes(theirs, VideoReformatter())
    assert split.format.name == "yuv420p"
    np.testing.assert_array_equal(image(split).whole(), image(frame).whole())
    np.testing.assert_array_equal(image(split).halved(1), image(frame).halved(1))


def test_other_pictures_stay_as_they_are() -> None:
    for pixels in ("yuv420p", "yuv444p", "gray"):
        frame = decoded(pixels=pixels)
        assert in_planes(frame, VideoReformatter()) is frame


@pytest.mark.parametrize("times", [1, 2])
def test_what_the_detector_gets_is_made_small_before_it_is_made_rgb(times: int) -> None:
    one = image(decoded())
    one.halved(times)
    assert one._whole is None
