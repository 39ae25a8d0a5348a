"""What passers-by would leave if a run left anything: their pixels, chips and vectors, searched for in files."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.recording_files import open_recordings
from lfr_ray.config import DetectorConfig
from lfr_ray.detect.canvas_size import canvas_for
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Faces, Frame, Picture

PICTURE = re.compile(
    rb"\xff\xd8\xff[\xc0\xc4\xdb\xe0-\xef\xfe].{1,2}|\x89PNG\r\n\x1a\n|RIFF.{4}WEBP|/9j/[0-9A-Za-z+/]{8}|iVBORw0KGgo",
    re.DOTALL,
)
"""How JPEG, PNG and WebP begin, plainly or in base64."""

PIECE = 24
"""Bytes of one piece of a row that are searched for."""

COMPONENTS = 8
"""First components of a vector that are searched for: 32 bytes."""

CLOSE = 2e-4
"""Two runs of a network differ by less: batches of other sizes are added up in another order."""

SMALLEST_PX = 40
EVERY_S = 0.05


@dataclass
class Passersby:
    """Everything a run could know of the people in some footage.

    Attributes:
        pieces: Bytes of rows of pixels, from frames, the detector's canvases and aligned chips.
        vectors: ``float32 (N, 8)``, the beginnings of their embeddings.
    """

    pieces: set[bytes] = field(default_factory=set)
    vectors: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, COMPONENTS), np.float32))
    frames: list[Picture] = field(default_factory=list)
    chips: list[Picture] = field(default_factory=list)
    embeddings: list[npt.NDArray[np.float32]] = field(default_factory=list)


def passersby(footage: Sequence[Path]) -> Passersby:
    """Look at footage with the same detector, aligner and embedder as a run does."""
    known = Passersby()
    detector = load_detector(card("centerface"), device="cpu", threads=1)
    embedder = load_embedder(card("dlib_resnet"), device="cpu", threads=1)
    chip = card("dlib_resnet").chip
    assert chip is not None
    for recording in open_recordings(footage).recordings:
        source = open_source(recording.camera)
        for frame in source.frames():
            canvas, mapping = fit(frame.pixels, *canvas_for(frame.width_px, frame.height_px, DetectorConfig()))
            faces = mapping.back(detector.detect(canvas[np.newaxis])[0])
            sides = faces.boxes[:, 2:] - faces.boxes[:, :2]
            large = faces.take(sides.prod(axis=1) >= SMALLEST_PX**2)
            if not len(large):
                continue
            chips = cut_chips(frame.pixels, large.points, chip)
            _add(known, frame, canvas, large, chips)
            known.embeddings += list(embedder.embed(chips))
        source.close()
    known.vectors = np.stack([one[:COMPONENTS] for one in known.embeddings])
    return known


def _add(known: Passersby, frame: Frame, canvas: Picture, faces: Faces, chips: Picture) -> None:
    scale = canvas.shape[1] / frame.width_px
    for left, top, right, bottom in faces.boxes:
        for share in (0.35, 0.5, 0.65):
            row, column = top + share * (bottom - top), left + 0.4 * (right - left)
            known.pieces |= _piece(frame.pixels, row, column) | _piece(canvas, row * scale, column * scale)
    for chip in chips:
        for row in range(50, 110, 6):
            known.pieces |= _piece(chip, row, 60)
    known.chips += list(chips)
    if len(known.frames) < 5:
        known.frames.append(frame.pixels)


def _piece(picture: Picture, row: float, column: float) -> set[bytes]:
    """One piece of a row; none where the picture is so even that other data could look like it."""
    line = picture[min(max(0, int(row)), picture.shape[0] - 1), max(0, int(column)) :].tobytes()[:PIECE]
    return {line} if len(line) == PIECE and len(set(line)) >= 8 else set()


class Search:
    """Looks for passers-by in files."""

    def __init__(self, known: Passersby) -> None:
        self._pieces = known.pieces
        self._vectors = known.vectors
        self._order = np.argsort(known.vectors[:, 0])
        # One look at each place of a file: every piece begins with four bytes out of a set.
        self._starts = np.unique(np.array([np.frombuffer(piece[:4], "<u4")[0] for piece in known.pieces], np.uint32))

    def found(self, data: bytes, *, pictures: bool = True) -> list[str]:
        """What of them is in these bytes; with ``pictures`` also any compressed picture of anybody."""
        kinds = []
        if pictures and PICTURE.search(data):
            kinds.append("picture")
        if self._has_piece(data):
            kinds.append("pixels")
        if self._has_vector(data):
            kinds.append("vector")
        return kinds

    def _has_piece(self, data: bytes) -> bool:
        for shift in range(4):
            words = (
                np.frombuffer(data, "<u4", count=max(0, len(data) - shift) // 4, offset=shift)
                if len(data) > shift
                else ()
            )
            for word in np.flatnonzero(np.isin(words, self._starts)) if len(words) else ():
                begin = shift + 4 * int(word)
                if data[begin : begin + PIECE] in self._pieces:
                    return True
        return False

    def _has_vector(self, data: bytes) -> bool:
        return any(self._has_vector_at(data[shift:]) for shift in range(4))

    def _has_vector_at(self, data: bytes) -> bool:
        if len(data) < 4 * COMPONENTS:
            return False
        values = np.frombuffer(data, "<f4", count=len(data) // 4)
        firsts = self._vectors[self._order, 0]
        with np.errstate(invalid="ignore"):
            below = np.searchsorted(firsts, values - CLOSE)
            above = np.searchsorted(firsts, values + CLOSE)
        places = np.flatnonzero((above > below) & np.isfinite(values) & (values != 0))
        for place in places[places <= len(values) - COMPONENTS]:
            window = values[place : place + COMPONENTS]
            if np.isfinite(window).all() and (np.abs(self._vectors - window).max(axis=1) < CLOSE).any():
                return True
        return False


class FileKeeper:
    """Keeps every file that appears below a folder, also one that is removed again: by a second name for it."""

    def __init__(self, watched: Path, kept: Path) -> None:
        self.watched = watched
        self._kept = kept
        self._names: dict[int, Path] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FileKeeper:
        self._kept.mkdir()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join()
        self._look()

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """First name and present content of every file."""
        for inode, name in self._names.items():
            yield name, (self._kept / str(inode)).read_bytes()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._look()
            time.sleep(EVERY_S)

    def _look(self) -> None:
        for path in walk([self.watched]):
            try:
                inode = path.stat().st_ino
                if inode not in self._names:
                    os.link(path, self._kept / str(inode))
                    self._names[inode] = path.relative_to(self.watched)
            except OSError:  # gone between two looks
                continue


def walk(folders: Iterable[Path]) -> Iterator[Path]:
    """Every regular file below some folders; sockets and pipes are none."""
    for folder in folders:
        for place, _, names in os.walk(folder, onerror=lambda error: None):
            for name in names:
                path = Path(place, name)
                try:
                    if stat.S_ISREG(path.lstat().st_mode):
                        yield path
                except OSError:
                    continue
