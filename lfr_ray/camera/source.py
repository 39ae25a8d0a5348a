"""One way to open any footage: a recording, a folder of pictures, a stream or a device.

A :class:`Source` gives frames. What :func:`open_source` returns also keeps the pace: a recording at pace
``live`` plays at its own speed, no more than ``max_fps`` frames a second are looked at, and a recording
with ``on_end: loop`` starts again, on a timeline that goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from lfr_ray.camera.address import Address, parse_address
from lfr_ray.camera.decode import VideoFootage
from lfr_ray.camera.folder import FolderFootage
from lfr_ray.camera.footage import DecodedPicture, Footage, SourceCounts, SourceInfo
from lfr_ray.camera.http_pictures import open_http_pictures
from lfr_ray.camera.pace import Pace, PaceConfig, decide
from lfr_ray.camera.recording_time import RecordingTime
from lfr_ray.camera.watched_folder import WatchedFolder
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import CameraConfig
from lfr_ray.records import Frame, Image, Picture

__all__ = ["PacedSource", "Schemes", "Source", "SourceInfo", "open_source"]


class Source(Protocol):
    """Footage that is open."""

    def info(self) -> SourceInfo:
        """Size, rate, length, and whether it is live."""

    def frames(self) -> Iterator[Frame]:
        """The frames in order, once."""

    def close(self) -> None:
        """Close the file, connection or device."""


Schemes = Mapping[str, Callable[[CameraConfig], Source]]
"""Plugged-in kinds of footage by name: ``{"demo": DemoSource}`` opens ``demo:pier``."""


class PacedSource:
    """Some footage at the pace that its camera's configuration asks for.

    Args:
        config: The camera.
        open_footage: Opens the footage from its start; called again for every loop.
        clock: For pace and time stamps.
        stopping: Set to end the frames; it also interrupts waiting.
        wait: Waits for some seconds, and says whether the waiting was cut short by ``stopping``.
    """

    def __init__(
        self,
        config: CameraConfig,
        open_footage: Callable[[], Footage],
        *,
        clock: Clock,
        stopping: threading.Event,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._config = config
        self._open_footage = open_footage
        self._clock = clock
        self._stopping = stopping
        self._wait = wait or stopping.wait
        self._footage = open_footage()
        self._info = self._footage.info()
        self._past = SourceCounts()
        self._skipped = 0

    def info(self) -> SourceInfo:
        """Size, rate, length, and whether it is live."""
        return self._info

    def frames(self) -> Iterator[Frame]:
        """The frames that are to be looked at, each when its time has come.

        Raises:
            StreamError: A stream broke, stalled or ended.
        """
        info = self._info
        full, period_s = takes_every_frame(self._config), 0.0 if info.stills else self._config.least_interval_s
        # Where nothing is waited for, a recording is thinned out as a live stream is.
        config = PaceConfig(info.live or full, full and not period_s, period_s or 1.0)
        pace, index, began_s = Pace(), -1, 0.0
        while True:
            first = index + 1
            self._recording = RecordingTime(info, self._footage.counts)
            for picture in self._footage.pictures():
                index += 1
                now_s = self._clock.steady_s()
                if info.live:
                    media_s = now_s if picture.media_s is None else picture.media_s
                else:
                    media_s = began_s + self._recording.place(picture.media_s)
                decision, pace = decide(config, pace, media_s, now_s)
                if not decision.keep:
                    self._skipped += 1
                    continue
                if self._stopping.is_set() or (decision.wait_s > 0 and self._wait(decision.wait_s)):
                    return
                image = picture.convert()
                if image is not None:
                    yield self._frame(index, media_s, image)
                # No picture is kept while the next one is waited for: it may show somebody's face.
                del picture, image
            if not info.live and not self._stopping.is_set():
                began_s += self._recording.finish()
            if info.live or self._config.on_end == "stop" or self._stopping.is_set() or index < first:
                return
            self._rewind()

    def counts(self) -> SourceCounts:
        """What became of the pictures so far."""
        # A loop reports the same damage again and again.
        return replace(self._past.plus(self._footage.counts), skipped=self._skipped)

    @property
    def lag_s(self) -> float:
        """How far a live stream is behind itself; 0 for anything else."""
        return self._footage.lag_s if isinstance(self._footage, VideoFootage) else 0.0

    def close(self) -> None:
        """Close the file, connection or device. Only when nobody is taking frames any more."""
        self._footage.close()

    def _frame(self, index: int, media_s: float, image: Picture | Image) -> Frame:
        seen_s = self._clock.steady_s()
        captured_s = seen_s if self._info.live else media_s
        recorded_at = self._config.recorded_at_s
        captured_at = self._clock.wall_s() if recorded_at is None or self._info.live else recorded_at + media_s
        return Frame(self._config.name, index, captured_s, captured_at, image, seen_s, self._info.stills)

    def _rewind(self) -> None:
        self._past = self.counts()
        self._footage.close()
        self._footage = self._open_footage()


def takes_every_frame(config: CameraConfig) -> bool:
    """Nothing is dropped; whoever gives the frames waits for whoever takes them."""
    return config.pace == "full" or config.folder != "read"


def open_source(
    config: CameraConfig,
    *,
    schemes: Schemes | None = None,
    clock: Clock | None = None,
    stopping: threading.Event | None = None,
    on_removed: Callable[[str], None] = lambda sha256: None,
) -> PacedSource:
    """Open a camera's footage and wait for its first picture.

    Args:
        config: The camera.
        schemes: Plugged-in kinds of footage.
        clock: The machine's unless given.
        stopping: Ends the frames when set.
        on_removed: Told the SHA-256 of each picture that was deleted after use.

    Raises:
        SourceError: The address or the recording is wrong.
        StreamError: The camera cannot be reached, or sends no picture.
    """
    ca_file = "" if config.ca_file is None else str(config.ca_file)
    address = replace(parse_address(config.url, schemes or ()), tls_verify=config.tls_verify, ca_file=ca_file)
    clock = clock or SystemClock()
    stopping = stopping or threading.Event()
    return PacedSource(
        config,
        partial(_open_footage, config, address, schemes or {}, clock, stopping, on_removed),
        clock=clock,
        stopping=stopping,
    )


class PluggedFootage:
    """A plugged-in source as footage."""

    def __init__(self, source: Source) -> None:
        self.counts = SourceCounts()
        self._source = source

    def info(self) -> SourceInfo:
        """What the source says."""
        return self._source.info()

    def pictures(self) -> Iterator[DecodedPicture]:
        """The source's frames, which are RGB already."""
        for frame in self._source.frames():
            self.counts.decoded += 1
            yield DecodedPicture(frame.captured_s, partial(_image, frame))
            del frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def _open_footage(
    config: CameraConfig,
    address: Address,
    schemes: Schemes,
    clock: Clock,
    stopping: threading.Event,
    on_removed: Callable[[str], None],
) -> Footage:
    if address.kind == "scheme":
        return PluggedFootage(schemes[address.scheme](config))
    if config.folder != "read":
        remove = config.folder == "watch-and-remove"
        return WatchedFolder(
            address, camera=config.name, remove=remove, clock=clock, stopping=stopping, on_removed=on_removed
        )
    if address.kind == "pictures":
        return FolderFootage(address)
    if address.scheme in {"http", "https"}:
        pictures = open_http_pictures(address, clock=clock, stopping=stopping, stall_s=config.stall_s)
        if pictures is not None:
            return pictures
    return VideoFootage(address, clock=clock, stopping=stopping, stall_s=config.stall_s, decode=config.decode)


def _image(frame: Frame) -> Picture | Image:
    return frame.image
