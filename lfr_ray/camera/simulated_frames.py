"""A camera without a camera: pictures of noise at a stream's rate, in which it is written where faces would be.

``simulated:width_px=640&height_px=384&fps=25&people_per_min=60&...``: the fields of :class:`SimulatedFootage`.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from urllib.parse import parse_qsl, urlencode

import numpy as np

from lfr_ray.camera.demo_source import SCHEME
from lfr_ray.camera.footage_interface import DecodedPicture, Footage, SourceCounts, SourceInfo
from lfr_ray.config import CameraConfig
from lfr_ray.data_dir import UPLOADED
from lfr_ray.errors import SourceError
from lfr_ray.models.simulated_models import write_faces
from lfr_ray.records import Floats

SIMULATED = "simulated"
PLUGGED = (SCHEME, SIMULATED, UPLOADED.rstrip(":"))
"""Kinds of footage that have no address of their own."""

MOST_SELDOM = 10.0
"""A site that is simulated slowly is asked as seldom, but not more so: questions alone would fill a small machine."""

FACE_PX, PLACE_PX = 48, 64
"""Side of a face, and of its place in the picture."""


@dataclass(frozen=True, slots=True)
class SimulatedFootage:
    """What a simulated camera sends.

    Attributes:
        width_px: Of the picture; the detector's canvas is to be as large.
        people_per_min: Who come into view, one after the other, each for ``stay_s``.
        free_s: A place stays empty so long before somebody else comes there, so that nobody is taken for another.
        decode_ms: One frame takes so long to be decoded.
        within_s: The first picture comes at some time within so long: cameras do not keep step.
        cameras: So many of them are in the camera's process.
        slower: So many seconds pass while the stream's own time goes on by one.
    """

    width_px: int = 640
    height_px: int = 384
    fps: float = 25.0
    people_per_min: float = 60.0
    stay_s: float = 3.0
    free_s: float = 2.0
    decode_ms: float = 0.0
    within_s: float = 0.0
    cameras: int = 1
    slower: float = 1.0

    @property
    def places(self) -> int:
        """So many people are in view, or were just now."""
        return math.ceil((self.stay_s + self.free_s) * self.people_per_min / 60) + 1

    @property
    def room(self) -> int:
        """So many places a picture has."""
        return (self.width_px // PLACE_PX) * ((self.height_px - PLACE_PX) // PLACE_PX)

    @property
    def url(self) -> str:
        """The camera's address."""
        return f"{SIMULATED}:{urlencode(asdict(self))}"

    def boxes(self, at_s: float) -> Floats:
        """``float32 (N, 4)``: who is in view. Whoever comes next comes far from there, and is not taken for them."""
        every_s = 60 / self.people_per_min if self.people_per_min else math.inf
        first, last = math.floor((at_s - self.stay_s) / every_s) + 1, math.floor(at_s / every_s)
        here = np.arange(max(0, first), last + 1) % self.places * max(1, self.room // max(1, self.places))
        columns = self.width_px // PLACE_PX
        corners = np.stack([here % columns, here // columns], axis=1) * PLACE_PX + (PLACE_PX - FACE_PX) // 2
        return np.concatenate([corners, corners + FACE_PX], axis=1).astype(np.float32)


def simulated_footage(url: str) -> SimulatedFootage:
    """What stands in a camera's address.

    Raises:
        SourceError: A field that does not exist or is no number, or more people than have room in the picture.
    """
    kinds = {name: type(value) for name, value in asdict(SimulatedFootage()).items()}
    try:
        given = parse_qsl(url.partition(":")[2], strict_parsing=True)
        footage = SimulatedFootage(**{name: kinds[name](text) for name, text in given})
        possible = min(footage.fps, footage.slower) > 0 and footage.cameras >= 1
        if not possible or not 0 <= footage.places <= footage.room:
            raise ValueError
    except (KeyError, ValueError):
        raise SourceError(
            "a simulated camera cannot be made of this", got=url[:120], allowed=", ".join(kinds)
        ) from None
    return footage


def slower_of(url: str) -> float:
    """How many times as slowly a camera's time passes; 1 for any that is not simulated."""
    return simulated_footage(url).slower if url.startswith(f"{SIMULATED}:") else 1.0


def asked_seldom(cameras: Sequence[CameraConfig]) -> float:
    """How many times as seldom as others a site with these cameras is asked how it is."""
    return min(MOST_SELDOM, max((slower_of(one.url) for one in cameras), default=1.0))


class SimulatedSource(Footage):
    """A simulated camera's pictures, each when it is due. They never end."""

    def __init__(
        self,
        config: CameraConfig,
        sleep: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = SourceCounts()
        self._footage = footage = simulated_footage(config.url)
        self._sleep, self._now_s = sleep, now_s
        self.info = SourceInfo(footage.width_px, footage.height_px, footage.fps, None, live=False)

    def pictures(self) -> Iterator[DecodedPicture]:
        """Noise, with the faces written into it; the first row of places stays free for that."""
        footage, draw = self._footage, random.Random()  # noqa: S311  (no secret depends on it)
        noise = np.random.default_rng(0).integers(64, 192, (footage.height_px, footage.width_px, 3), np.uint8)
        slower, begin_s = footage.slower, self._now_s() + draw.random() * footage.within_s * footage.slower
        come_s = draw.random() * 60 / footage.people_per_min if footage.people_per_min else 0.0
        for index in count():
            at_s = index / footage.fps
            self._sleep(max(footage.decode_ms / 1000 * slower, begin_s + at_s * slower - self._now_s()))
            picture = noise.copy()
            boxes = footage.boxes(come_s + at_s)
            boxes[:, 1::2] += PLACE_PX
            write_faces(picture, boxes)
            self.counts.decoded += 1
            yield DecodedPicture.ready(at_s, picture)
