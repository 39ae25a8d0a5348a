"""A decoded picture that is made RGB only as far as somebody wants it: small for the detector, or around a face."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from lfr_ray.camera.orientation import SWAPS_SIDES, UPRIGHT, turned
from lfr_ray.models.shrink_pictures import halved
from lfr_ray.records import Picture

PLANAR = frozenset({"yuv420p", "yuvj420p"})
"""Formats that are cut out and made smaller as they are: what nearly every camera and recording gives. Of others
libswscale joins neighbouring colours, so that a part would differ at its edges; they are converted as a whole."""

TWO_PLANES = "nv12"
"""What graphics cards decode to: as ``yuv420p``, but the two planes of colour are one, in turns. Converted to RGB as it
is, a picture of 1080p takes 5.6 ms; in planes first 0.7 (one core of an AMD EPYC)."""

PART_PX = 60_000
"""One part more costs as much as so many pixels of a whole picture."""


def in_planes(frame: VideoFrame, convert: VideoReformatter) -> VideoFrame:
    """The picture as most are decoded: the same brightness and colours, none of them joined."""
    return convert.reformat(frame, format="yuv420p", threads=1) if frame.format.name == TWO_PLANES else frame


class DecodedImage:
    """One picture of a decoder, see :class:`~lfr_ray.records.Image`. Used by one thread at a time.

    It is to be turned by ``orientation``, 1 to 8. Pictures of one source that one thread uses may share what converts.
    """

    def __init__(self, frame: VideoFrame, orientation: int, rgb: VideoReformatter) -> None:
        self._frame = frame
        self._orientation = orientation
        self._rgb = rgb
        self._whole: Picture | None = None
        self._spent_px = 0
        sides_px = (frame.width, frame.height)
        self.size_px = sides_px[::-1] if orientation in SWAPS_SIDES else sides_px
        # What is turned is rare; it is converted as a whole.
        self._planar = orientation == UPRIGHT and frame.format.name in PLANAR

    def whole(self) -> Picture:
        """All of it, ``uint8 (height, width, 3)``."""
        if self._whole is None:
            self._whole = turned(_rgb_of(self._frame, self._rgb), self._orientation)
        return self._whole

    def halved(self, times: int) -> Picture:
        """All of it, smaller: in YUV already, which is half as many bytes."""
        share = 2 << times
        if not times or not self._planar or self._frame.width % share or self._frame.height % share:
            return halved(self.whole(), times)
        small = _like(self._frame, self._frame.width >> times, self._frame.height >> times)
        for source, target in zip(_planes(self._frame), _planes(small), strict=True):
            np.copyto(target, halved(source, times))
        return _rgb_of(small, self._rgb)

    def part(self, left_px: int, top_px: int, right_px: int, bottom_px: int) -> Picture:
        """What lies between these sides; the whole picture is converted where many parts of it were wanted."""
        # The planes of colour have every second pixel.
        left, top, right, bottom = left_px & ~1, top_px & ~1, (right_px + 1) & ~1, (bottom_px + 1) & ~1
        width_px, height_px = self.size_px
        self._spent_px += (right - left) * (bottom - top) + PART_PX
        inside = right <= width_px and bottom <= height_px and not height_px % 2
        if self._whole is not None or not self._planar or not inside or self._spent_px > width_px * height_px:
            return self.whole()[top_px:bottom_px, left_px:right_px]
        cut = _like(self._frame, right - left, bottom - top)
        for source, target in zip(_planes(self._frame), _planes(cut), strict=True):
            by = width_px // source.shape[1]
            np.copyto(target, source[top // by : bottom // by, left // by : right // by])
        return _rgb_of(cut, self._rgb)[top_px - top : bottom_px - top, left_px - left : right_px - left]

    def luma(self) -> Picture:
        """Brightness, ``uint8 (height, width)`` as decoded, not turned: what tells whether anything moved."""
        if self._frame.format.name in PLANAR:
            return _planes(self._frame)[0]
        brightness: Picture = self.whole()[..., 1]
        return brightness


def _rgb_of(frame: VideoFrame, rgb: VideoReformatter) -> Picture:
    pixels: Picture = rgb.reformat(frame, format="rgb24", threads=1).to_ndarray().astype(np.uint8, copy=False)
    return pixels


def _like(frame: VideoFrame, width_px: int, height_px: int) -> VideoFrame:
    """An empty picture whose colours mean the same."""
    other = VideoFrame(width_px, height_px, frame.format.name)
    other.colorspace, other.color_range = frame.colorspace, frame.color_range
    return other


def _planes(frame: VideoFrame) -> list[npt.NDArray[np.uint8]]:
    """Views of the planes, ``(h, w)`` without padding."""
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
        for plane in frame.planes
    ]
