"""A camera's own thread: it opens the camera, decodes, hands frames over, and connects again after a failure."""

from __future__ import annotations

import math
import random
import secrets
import threading
from collections import deque
from dataclasses import dataclass, replace

from lfr_ray.camera.camera_address import is_lasting, shown_address
from lfr_ray.camera.footage_interface import SourceCounts, SourceInfo
from lfr_ray.camera.frame_pace import rate
from lfr_ray.camera.give_way import GiveWay
from lfr_ray.camera.hide_credentials import hide_credentials
from lfr_ray.camera.newest_frame import EveryFrame, Mailbox, NewestFrame
from lfr_ray.camera.open_footage import PacedSource, Schemes, open_source, takes_every_frame
from lfr_ray.camera.reconnect import Connection, Event, ReconnectConfig, State, after_event, observed, pause_s
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import CameraConfig
from lfr_ray.errors import InputError, LfrError
from lfr_ray.health import Looks
from lfr_ray.records import Frame

STOP_S = 1.5
"""How long ``stop`` waits. A thread inside a system call ends by itself when that times out."""

RATE_WINDOW_S = 30.0
"""The rate is measured over so long. It holds for a snapshot every ten seconds, and for a burst of old pictures."""

RATE_FRAMES = 4096

UNSEEN = Looks()
"""Nobody has looked at a frame yet."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """What is known of one camera at one moment; holds nothing secret.

    Also what :class:`~lfr_ray.camera.footage_interface.SourceCounts` counts.

    Attributes:
        blind_since: Wall time since which nothing is seen, or None.
        frames: Handed over; ``dropped`` of them were replaced by a newer one before anybody looked, or passed over
            undecoded, because the stream was behind.
        reconnects: Times that it came back after it had been blind.
        fps: Frames a second handed over lately.
        lag_s: How far a live stream is behind itself.
        last_frame_at: Wall time of the newest frame, or None.
        url: The address without credentials.
        problem: Why it is blind or ended, or empty.
        missing_s: Seconds without a picture: of a recording those that it lacks, of a live camera those in which it
            was blind.
        still: Frames in which nothing had moved, so that the detector was not asked.
        seconds: Length of the recording that was read, with what is missing at its end; 0 for a live camera.
        refusal: Why the matcher compared nothing of this camera when it was asked last; empty when it did.
        frame_age_s: Since the newest frame was handed over.
        digest: Of the configuration under which a site's process runs.
        node: Ray's id of the machine on which a site's process runs.
        clock_at: Wall time of its machine when a site's process said this; 0 elsewhere.
        run: Of this reader, made up when it began: counts of another one begin from nothing.
    """

    name: str
    state: State
    blind_since: float | None
    frames: int
    dropped: int
    skipped: int
    corrupt: int
    reconnects: int
    width_px: int
    height_px: int
    fps: float
    lag_s: float
    last_frame_at: float | None
    url: str
    problem: str
    problems: tuple[str, ...] = ()
    refusal: str = ""
    expected: int | None = None
    missing_s: float = 0.0
    seconds: float = 0.0
    still: int = 0
    frame_age_s: float = 0.0
    looks: Looks = UNSEEN
    possibly_dropped: int = 0
    digest: str = ""
    run: str = ""
    clock_at: float = 0.0
    node: str = ""


def faults_of(status: CameraStatus) -> list[str]:
    """Everything that kept a recording from being seen whole, each once."""
    return list(dict.fromkeys(one for one in (status.problem, *status.problems, status.refusal) if one))


class CameraReader:
    """Reads one camera in a thread of its own. No fault of the camera ends it.

    Frames go to the mailbox; by default one that suits the configured pace.
    """

    def __init__(
        self,
        config: CameraConfig,
        mailbox: Mailbox | None = None,
        *,
        clock: Clock | None = None,
        schemes: Schemes | None = None,
        reconnect: ReconnectConfig | None = None,
    ) -> None:
        self._config = config
        self.mailbox: Mailbox = mailbox or (EveryFrame() if takes_every_frame(config) else NewestFrame())
        self._clock = clock or SystemClock()
        self._schemes = schemes or {}
        self._shown = shown_address(config.url, self._schemes)
        watched = config.folder != "read"
        self._lasting = watched or is_lasting(config.url, self._schemes)
        # Only what should go on for ever can stall; a recording may wait for its reader. Into a folder pictures may
        # come as seldom as somebody passes, unless the site says otherwise.
        stalls = self._lasting and (not watched or "stall_s" in config.model_fields_set)
        stall_s = config.stall_s if stalls else math.inf
        self._reconnect = replace(reconnect or ReconnectConfig(), stall_s=stall_s)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._run_id = secrets.token_hex(8)
        self._connection = Connection()
        self._source: PacedSource | None = None
        self.info: SourceInfo | None = None
        """What the footage says of itself; None before it was opened."""
        self._past = SourceCounts()
        self._frames = 0
        self._blind_s = 0.0
        self._began_s: float | None = None
        self._handing_over = False
        self.removed: deque[str] = deque()
        """SHA-256 of pictures that were deleted after use, for whoever puts them on record and takes them out."""
        self._size_px = (0, 0)
        self._times_s: deque[float] = deque(maxlen=RATE_FRAMES)
        # A daemon: a decoder that hangs in a system call must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=f"camera-{config.name}", daemon=True)

    def start(self) -> CameraReader:
        """Begin to read."""
        self._thread.start()
        return self

    def stop(self) -> bool:
        """Read no more, close the mailbox and forget what lies in it; returns within two seconds.

        Returns:
            False when the thread still hangs in the camera's driver or network; it will end by itself.
        """
        self._stopping.set()
        self.mailbox.close()
        self.mailbox.clear()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(STOP_S)
        return not self._thread.is_alive()

    def status(self) -> CameraStatus:
        """How the camera is now."""
        now_s = self._clock.steady_s()
        with self._lock:
            # A frame that waits for its reader was seen, however long ago.
            connection = self._connection if self._handing_over else observed(self._reconnect, self._connection, now_s)
            counts, first_s = self._counts(), next(iter(self._times_s), None)
            width_px, height_px = self._size_px
            return CameraStatus(
                name=self._config.name,
                state=connection.state,
                blind_since=connection.blind_since,
                frames=self._frames + counts.undecoded,
                dropped=self.mailbox.dropped + counts.undecoded,
                skipped=counts.skipped,
                corrupt=counts.corrupt,
                reconnects=connection.reconnects,
                width_px=width_px,
                height_px=height_px,
                fps=rate(self._times_s, first_s, now_s, RATE_WINDOW_S) if connection.state == "live" else 0.0,
                lag_s=self._source.lag_s if self._source is not None else 0.0,
                last_frame_at=connection.last_picture_at,
                url=self._shown,
                problem=hide_credentials(connection.problem, self._config.url),
                problems=tuple(hide_credentials(one, self._config.url) for one in counts.problems),
                expected=counts.expected,
                missing_s=round(counts.missing_s + self._blind_s, 3),
                seconds=round(counts.seconds, 3),
                possibly_dropped=counts.possibly_dropped,
                frame_age_s=now_s - (connection.last_picture_s or now_s),
                run=self._run_id,
            )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._handle("opened")
            event, problem = self._read_once()
            self._handle(event, problem)
            if self._connection.state == "ended":
                break
            # No secret depends on the length of a pause.
            self._stopping.wait(pause_s(self._reconnect, self._connection, random.random()))  # noqa: S311
        else:
            self._handle("end")
        self.mailbox.close()

    def _read_once(self) -> tuple[Event, str]:
        """Open the footage and hand its frames over until it ends in some way."""
        failure: Event = "failure" if self._lasting or self._config.on_end == "loop" else "refusal"
        source: PacedSource | None = None
        try:
            source = open_source(
                self._config,
                schemes=self._schemes,
                clock=self._clock,
                stopping=self._stopping,
                on_removed=self.removed.append,
            )
            with self._lock:
                self._source, self.info = source, source.info
            way = None if takes_every_frame(self._config) else GiveWay()
            for frame in source.frames():
                if way is not None:
                    way.look(source.counts)
                self._hand_over(self._on_own_time(frame) if source.info.live else frame)
                # Not kept while the next one is waited for: it may show somebody's face.
                del frame
            return "end", ""
        except InputError as error:
            return ("failure" if self._lasting else "refusal"), str(error)
        except LfrError as error:
            return failure, str(error)
        except Exception as error:  # noqa: BLE001 - whatever a driver or decoder raises, the camera goes on
            return failure, f"the decoder failed ({type(error).__name__})"
        finally:
            if source is not None:
                with self._lock:
                    self._past, self._source = self._counts(), None
                source.close()

    def _on_own_time(self, frame: Frame) -> Frame:
        """A live camera's time counts from its first picture on, over all its connections."""
        if self._began_s is None:
            self._began_s = frame.captured_s
        return replace(frame, captured_s=frame.captured_s - self._began_s)

    def _hand_over(self, frame: Frame) -> None:
        with self._lock:
            # How long there was no picture before this one, where that was too long.
            before_s = self._connection.last_picture_s
            if self._lasting and before_s is not None:
                without_s = self._clock.steady_s() - before_s
                self._blind_s += without_s if without_s > self._reconnect.stall_s else 0.0
        self._handle("picture")
        self._handing_over = True
        accepted = self.mailbox.put(frame)
        self._handing_over = False
        if not accepted:
            return
        with self._lock:
            self._frames += 1
            self._size_px = (frame.width_px, frame.height_px)
            self._times_s.append(self._clock.steady_s())

    def _handle(self, event: Event, problem: str = "") -> None:
        now_s, now_at = self._clock.steady_s(), self._clock.wall_s()
        with self._lock:
            self._connection = after_event(self._connection, event, now_s=now_s, now_at=now_at, problem=problem)

    def _counts(self) -> SourceCounts:
        """Over all connections so far."""
        if self._source is None:
            return self._past
        return self._past.plus(self._source.counts())
