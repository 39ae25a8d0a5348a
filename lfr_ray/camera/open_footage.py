"""One way to open any footage: a recording, a folder of pictures, a stream or a device.

What :func:`open_source` returns gives frames and keeps the pace: a recording at pace ``live`` plays at its own speed,
no more than ``max_fps`` frames a second are looked at, and a recording with ``on_end: loop`` starts again, on a
timeline that goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from lfr_ray.camera.camera_address import parse_address
from lfr_ray.camera.decode_video import VideoFootage
from lfr_ray.camera.footage_interface import Footage, SourceCounts
from lfr_ray.camera.frame_pace import Pace, PaceConfig, decide
from lfr_ray.camera.http_pictures import open_http_pictures
from lfr_ray.camera.picture_folder import FolderFootage
from lfr_ray.camera.recording_gaps import RecordingTime
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import CameraConfig
from lfr_ray.records import Frame, Image, Picture

Schemes = Mapping[str, Callable[[CameraConfig], Footage]]
"""Plugged-in kinds of footage by name: ``{"demo": DemoSource}`` opens ``demo:pier``."""


@dataclass(eq=False, repr=False)
class PacedSource:
    """Some footage at the pace that its camera's configuration asks for.

    ``open_footage`` opens it from its start, and again for every loop. ``stopping`` ends the frames and interrupts
    waiting.
    """

    config: CameraConfig
    open_footage: Callable[[], Footage]
    clock: Clock
    stopping: threading.Event

    def __post_init__(self) -> None:
        self._footage = self.open_footage()
        self.info = self._footage.info
        self._past = SourceCounts()
        self._skipped = 0

    def frames(self) -> Iterator[Frame]:
        """The frames that are to be looked at, each when its time has come.

        Raises:
            StreamError: A stream broke, stalled or ended.
        """
        info = self.info
        full, period_s = takes_every_frame(self.config), 0.0 if info.stills else self.config.least_interval_s
        # Where nothing is waited for, a recording is thinned out as a live stream is.
        config = PaceConfig(info.live or full, full and not period_s, period_s or 1.0)
        pace, index, undecoded, began_s = Pace(), -1, 0, 0.0
        while True:
            first = index + 1
            self._recording = RecordingTime(info, self._footage.counts)
            for picture in self._footage.pictures():
                index += 1 + self._footage.counts.undecoded - undecoded
                undecoded = self._footage.counts.undecoded
                now_s = self.clock.steady_s()
                if info.live:
                    media_s = now_s if picture.media_s is None else picture.media_s
                else:
                    media_s = began_s + self._recording.place(picture.media_s)
                wait_s, pace = decide(config, pace, media_s, now_s)
                if wait_s is None:
                    self._skipped += 1
                    continue
                if self.stopping.is_set() or (wait_s > 0 and self.stopping.wait(wait_s * self.clock.slower)):
                    return
                image = picture.convert()
                if image is not None:
                    yield self._frame(index, media_s, image)
                # No picture is kept while the next one is waited for: it may show somebody's face.
                del picture, image
            if not info.live and not self.stopping.is_set():
                began_s += self._recording.finish()
            if info.live or self.config.on_end == "stop" or self.stopping.is_set() or index < first:
                return
            self._past = self.counts()
            self._footage.close()
            self._footage = self.open_footage()

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
        seen_s = self.clock.steady_s()
        captured_s = seen_s if self.info.live else media_s
        recorded_at = self.config.recorded_at_s
        captured_at = self.clock.wall_s() if recorded_at is None or self.info.live else recorded_at + media_s
        return Frame(self.config.name, index, captured_s, captured_at, image, seen_s, self.info.stills)


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

    ``on_removed`` is told the SHA-256 of each picture that was deleted after use.

    Raises:
        SourceError: The address or the recording is wrong.
        StreamError: The camera cannot be reached, or sends no picture.
    """
    ca_file = "" if config.ca_file is None else str(config.ca_file)
    address = replace(parse_address(config.url, schemes or ()), tls_verify=config.tls_verify, ca_file=ca_file)
    plugged, time, stop, stall_s = schemes or {}, clock or SystemClock(), stopping or threading.Event(), config.stall_s

    def opened() -> Footage:
        if address.kind == "scheme":
            return plugged[address.scheme](config)
        if config.folder != "read":
            remove = config.folder == "watch-and-remove"
            from lfr_ray.camera.watched_folder import WatchedFolder  # what watches folders takes its time to load

            return WatchedFolder(
                address, camera=config.name, remove=remove, clock=time, stopping=stop, on_removed=on_removed
            )
        if address.kind == "pictures":
            return FolderFootage(address)
        if address.scheme in {"http", "https"}:
            pictures = open_http_pictures(address, clock=time, stopping=stop, stall_s=stall_s)
            if pictures is not None:
                return pictures
        return VideoFootage(address, clock=time, stopping=stop, stall_s=stall_s, decode=config.decode)

    return PacedSource(config, opened, time, stop)
