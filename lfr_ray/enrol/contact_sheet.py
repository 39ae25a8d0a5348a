"""A sheet on which one sees which face of every enrolment picture was chosen.

It shows people of a watchlist: personal data, written only where the user said, readable by that user alone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lfr_ray.camera.draw_on_pictures import caption, outlined
from lfr_ray.camera.redact_faces import crop_face
from lfr_ray.camera.still_pictures import encode_jpeg, read_picture, shrunk
from lfr_ray.durable_files import write_durable
from lfr_ray.enrol.subject_face import left_to_right
from lfr_ray.errors import ConfigError
from lfr_ray.match.watchlist_entries import Note, Rejected
from lfr_ray.records import Faces, Floats, Picture
from lfr_ray.report.html_page import contact_sheet_page

PAGE_SUFFIXES, JPEG_SUFFIXES = (".html", ".htm"), (".jpg", ".jpeg")
TILE_PX = 256
FACE_PX = 112
COLUMNS = 5
CAPTION_LINES = 6

MAX_TILES = 800
"""In one JPEG, whose sides may not pass 65,535 pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One enrolment picture as the sheet shows it.

    Attributes:
        name: File name with the entry's folder.
        overview: JPEG of the whole picture, small, its faces outlined and numbered from the left.
        face: JPEG of the chosen face; empty where none was.
        verdict: What became of it, once that is known.
    """

    name: str
    overview: bytes = field(repr=False, default=b"")
    face: bytes = field(repr=False, default=b"")
    verdict: str = ""
    taken: bool = True

    @property
    def pictures(self) -> tuple[str, ...]:
        """The JPEGs as text for a page."""
        return tuple(base64.b64encode(one).decode() for one in (self.overview, self.face) if one)


def look_at(name: str, picture: Picture, faces: Faces, chosen: int | None) -> Look:
    """What a sheet shows of a picture; the picture itself is forgotten.

    ``faces`` are in pixels of the picture, ``chosen`` is the row of one of them.
    """
    small = shrunk(picture, TILE_PX)
    numbers = np.argsort(left_to_right(faces)) + 1
    boxes: Floats = faces.boxes * np.float32(small.shape[1] / picture.shape[1])
    small = outlined(small, boxes, chosen, numbers.tolist())
    face = b"" if chosen is None else encode_jpeg(shrunk(crop_face(picture, faces.boxes[chosen]), FACE_PX))
    return Look(name, encode_jpeg(small, 80), face)


def check_sheet(path: Path, pictures: int) -> None:
    """Before any work: that a sheet of so many pictures can be of that kind.

    Raises:
        ConfigError: It cannot.
    """
    suffix = path.suffix.lower()
    if suffix not in PAGE_SUFFIXES + JPEG_SUFFIXES:
        raise ConfigError(
            "the contact sheet is written as a page or a picture",
            got=f"{path}: ending {suffix or '(none)'}",
            allowed=", ".join(PAGE_SUFFIXES + JPEG_SUFFIXES),
            next_step="give --contact-sheet FILE.html",
        )
    if suffix in JPEG_SUFFIXES and pictures > MAX_TILES:
        raise ConfigError(
            "one JPEG cannot show so many pictures",
            got=f"{pictures} pictures",
            allowed=f"up to {MAX_TILES}",
            next_step="give --contact-sheet FILE.html",
        )


def write_sheet(
    path: Path, looks: Sequence[Look], rejected: Sequence[Rejected], notes: Sequence[Note], written_at: str
) -> None:
    """Write the sheet, readable by its owner alone.

    The ending of the path says whether it is a page or a JPEG; ``written_at`` is date and time in words.

    Raises:
        StoreError: The file cannot be written.
    """
    rows = list(_rows(looks, rejected, notes))
    if path.suffix.lower() in JPEG_SUFFIXES:
        data = encode_jpeg(_mosaic(rows, written_at), 85)
    else:
        data = contact_sheet_page(rows, written_at=written_at).encode()
    write_durable(path, data, 0o600)


def _rows(looks: Sequence[Look], rejected: Sequence[Rejected], notes: Sequence[Note]) -> Iterator[Look]:
    reasons = {one.file: one.reason for one in rejected}
    said = {one.file: one.note for one in notes}
    for look in looks:
        reason = reasons.pop(look.name, "")
        verdict = f"not taken: {reason}" if reason else said.get(look.name, "")
        yield replace(look, verdict=verdict, taken=not reason)
    for name, reason in reasons.items():
        yield Look(name, verdict=f"not taken: {reason}", taken=False)


def _mosaic(rows: Sequence[Look], written_at: str) -> Picture:
    """All pictures beside each other, each with what became of it."""
    head = caption(f"PERSONAL DATA: pictures of listed people. Delete after use. {written_at}", COLUMNS * TILE_PX, 2)
    lines = [head]
    for start in range(0, len(rows), COLUMNS):
        tiles = [_tile(row) for row in rows[start : start + COLUMNS]]
        blank = np.full_like(tiles[0], 255)
        lines.append(np.concatenate([*tiles, *[blank] * (COLUMNS - len(tiles))], axis=1))
    return np.concatenate(lines)


def _tile(row: Look) -> Picture:
    sheet = np.full((TILE_PX, TILE_PX, 3), 236, np.uint8)
    if row.overview:
        picture = read_picture(row.overview)
        sheet[: picture.shape[0], : picture.shape[1]] = picture
    text = caption(f"{row.name}  {row.verdict or 'taken'}", TILE_PX, CAPTION_LINES)
    return np.concatenate([sheet, text])
