"""A folder into which a camera puts its pictures: each new or replaced picture once, as soon as it is complete."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import watchfiles

from lfr_ray.camera.camera_address import Address
from lfr_ray.camera.footage_interface import DecodedPicture, SourceCounts, SourceInfo
from lfr_ray.camera.still_pictures import is_picture_name, read_picture
from lfr_ray.clock import Clock
from lfr_ray.durable_files import FileState, state_of
from lfr_ray.errors import PictureError, SourceError, StreamError
from lfr_ray.records import Picture
from lfr_ray.structured_logs import get_logger

STABLE_S = 0.2
"""A picture that has not changed for so long is tried; half a picture then cannot be read, and is waited for."""

UNSTABLE_S = 2.0
"""One that never stops changing is tried after so long all the same: it is overwritten very often."""

DAMAGED_S = 10.0
"""One that has not changed for so long and still cannot be read is damaged."""

REMEMBERED = 10_000
"""Newest pictures whose content is remembered, so that none is taken twice."""

LOOK_MS = 200
DECLARED_FPS = 1.0
log = get_logger()


@dataclass(slots=True)
class _Waiting:
    """A picture that is not taken yet: how it looks, since when, and since when it has been waited for."""

    signature: FileState
    since_s: float
    first_s: float


@dataclass(eq=False, repr=False)
class WatchedFolder:
    """The pictures that come into a folder and the folders inside it.

    What is there already when it is opened is not looked at: nobody knows from when it is. With ``remove`` it is, as
    those are pictures that nobody has taken.

    With ``remove`` each picture is deleted once it was handed over, and ``on_removed`` is told its SHA-256.
    ``stopping`` ends the pictures.

    Raises:
        SourceError: There is no such folder.
    """

    address: Address
    _: KW_ONLY
    camera: str
    remove: bool
    clock: Clock
    stopping: threading.Event
    on_removed: Callable[[str], None]
    counts: SourceCounts = field(default_factory=SourceCounts, init=False)

    def __post_init__(self) -> None:
        self._root = Path(self.address.target)
        if not self._root.is_dir():
            raise SourceError(
                "the folder to be watched does not exist",
                got=self.address.shown,
                allowed="an existing folder",
                next_step="create it; it is tried again",
            )
        # Nothing is known before the first picture has come.
        self.info = SourceInfo(0, 0, DECLARED_FPS, None, live=True)
        self._waiting: dict[Path, _Waiting] = {}
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._old = {} if self.remove else dict(self._look(self._root))

    def pictures(self) -> Iterator[DecodedPicture]:
        """Each picture when it is complete.

        Raises:
            StreamError: The folder is gone.
        """
        changes = watchfiles.watch(
            self._root,
            watch_filter=None,
            debounce=LOOK_MS,
            step=50,
            rust_timeout=LOOK_MS,
            stop_event=self.stopping,
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        first = True
        for changed in changes:
            # The watching has begun by now: what came between the look at the folder and that is found here.
            self._note([self._root] if first else sorted(Path(path) for _, path in changed))
            first = False
            if not self._root.is_dir():
                raise StreamError(
                    "the watched folder is gone",
                    got=self.address.shown,
                    next_step="check the mount; it is tried again",
                )
            for path in self._ready():
                picture = self._take(path)
                if picture is None:
                    continue
                yield DecodedPicture.ready(None, picture)
                # No picture is kept while the next one is waited for: it may show somebody's face.
                del picture
                self._delete(path)

    def close(self) -> None:
        """Forget what was waited for."""
        self._waiting.clear()

    def _look(self, place: Path) -> Iterator[tuple[Path, FileState]]:
        """The pictures of a folder and those inside, or one picture, with how they look."""
        inside: Iterable[Path] = [place]
        if place.is_dir():
            inside = (Path(folder, name) for folder, _, names in os.walk(place) for name in names)
        for path in inside:
            signature = _signature(path) if is_picture_name(path) else None
            if signature is not None:
                yield path, signature

    def _note(self, places: Iterable[Path]) -> None:
        now_s = self.clock.steady_s()
        for place in places:
            for path, signature in self._look(place):
                if self._old.get(path) == signature:
                    continue
                before = self._waiting.get(path)
                if before is None or before.signature != signature:
                    first_s = now_s if before is None else before.first_s
                    self._waiting[path] = _Waiting(signature, now_s, first_s)

    def _ready(self) -> list[Path]:
        """Pictures that may be complete, oldest first."""
        now_s = self.clock.steady_s()
        ready = []
        for path, waiting in list(self._waiting.items()):
            signature = _signature(path)
            if signature is None:
                # Renamed or deleted before it was complete.
                del self._waiting[path]
            elif signature != waiting.signature:
                waiting.signature, waiting.since_s = signature, now_s
            if path in self._waiting and (now_s - waiting.since_s >= STABLE_S or now_s - waiting.first_s >= UNSTABLE_S):
                ready.append(path)
        return sorted(ready, key=lambda path: (self._waiting[path].signature[2], path))

    def _take(self, path: Path) -> Picture | None:
        """The picture, if it is complete and was not taken before."""
        waiting = self._waiting[path]
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        digest = hashlib.sha256(data).hexdigest()
        if digest in self._taken:
            self._settled(path, waiting)
            return None
        try:
            picture = read_picture(data, name=path.name)
        except PictureError as error:
            if self.clock.steady_s() - waiting.since_s >= DAMAGED_S:
                self.counts.corrupt += 1
                self.counts.report(f"{error.what}; got: {error.got}")
                self._settled(path, waiting)
            return None
        if _signature(path) != waiting.signature and self.clock.steady_s() - waiting.first_s < UNSTABLE_S:
            return None
        self._taken[digest] = None
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        self._settled(path, waiting)
        self.counts.decoded += 1
        return picture

    def _settled(self, path: Path, waiting: _Waiting) -> None:
        self._old[path] = waiting.signature
        self._waiting.pop(path, None)

    def _delete(self, path: Path) -> None:
        if not self.remove:
            return
        try:
            path.unlink()
        except OSError as error:
            self.counts.report(f"a picture cannot be removed after use ({type(error).__name__})")
            return
        self._old.pop(path, None)
        digest = next(reversed(self._taken))
        self.on_removed(digest)
        log.info("picture removed after use", camera=self.camera, sha256=digest)


def _signature(path: Path) -> FileState | None:
    """What changes with the content: which file it is, its size and when it was written; None: there is none."""
    try:
        now = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(now.st_mode):  # whoever reads a pipe waits for ever
        return None
    return state_of(now)
