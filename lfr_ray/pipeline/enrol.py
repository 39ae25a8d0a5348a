"""Enrolment: a watchlist folder into the store, picture by picture, nothing by halves.

folder -> read -> detect -> subject -> quality -> chip -> vector -> agreement and duplicates -> one commit a chunk
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lfr_ray.camera.evidence import crop_face
from lfr_ray.camera.stills import PICTURE_SUFFIXES, encode_jpeg, read_picture
from lfr_ray.config import QualityConfig
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.quality import assess
from lfr_ray.errors import ModelError, PictureError
from lfr_ray.match.entries import EnrolledImage, EntryDraft, Rejected, image_id
from lfr_ray.match.store import WatchlistStore
from lfr_ray.match.watchlist import read_watchlist_folder
from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.pipeline.agreement import Agreement
from lfr_ray.pipeline.subject import choose_subject
from lfr_ray.records import Faces, Floats, Picture

CHUNK = 64
"""Entries that are committed together; an import that is cut off resumes behind the last chunk."""

DETECT_BATCH = 8
SMALL_PX, LARGE_PX = 320, 640
"""Canvas sides: small pictures are enlarged onto the first, which is where tight crops are found."""

BORDER = 0.5
"""A tight crop is tried again with a border of so much of its longer side."""

FLOOR = QualityConfig(
    min_size_px=32.0,
    min_sharpness=3.0,
    min_exposure=15.0,
    max_exposure=245.0,
    max_yaw=0.6,
    max_pitch=0.9,
    min_score=0.5,
)
"""The enrolment floor. It is laxer than the gate for passers-by: for many people there is no second picture."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a folder.

    Attributes:
        entries: Entries on the list from this folder, old and new.
        images: Their pictures.
        added: Pictures added now; the others had been imported before.
        rejected: Everything that was not taken in, and why.
    """

    entries: int
    images: int
    added: int
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: entries looked at, of how many, and the seconds that the rest will take."""

    done: int
    of: int
    left_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """One readable picture on its way."""

    draft: EntryDraft
    path: Path
    sha256: str
    pixels: Picture = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """One picture's subject, cut out."""

    shown: _Shown
    chip: Picture = field(repr=False)
    jpeg: bytes = field(repr=False)
    quality: float
    size_px: float


def enrol_folder(
    folder: Path,
    store: WatchlistStore | None,
    detector: Detector,
    embedder: Embedder,
    *,
    now: float,
    imported_by: str = "",
    on_progress: Callable[[ImportProgress], None] = lambda progress: None,
) -> ImportReport:
    """Import a watchlist folder.

    Pictures that were imported before, with this model, are passed over, so an import that was cut off is
    resumed by starting it again. An entry without any usable picture is not on the list at all.

    Args:
        folder: ``DIR/<entry-id>/<image>``, see :func:`read_watchlist_folder`.
        store: Where to; None says what would happen and writes nothing.
        detector: Finds the faces.
        embedder: Makes the vectors; its card's id is stored with each.
        now: Wall time.
        imported_by: Who imports; this person may not approve the list.
        on_progress: Called after every chunk.

    Raises:
        WatchlistError: There is no such folder, or its CSV is broken as a whole.
        StoreError: The list cannot be written; what was committed before stays.
    """
    if embedder.card.chip is None:
        raise ModelError("the embedder's card does not say how faces are cut out", got=embedder.card.id)
    content = read_watchlist_folder(folder, PICTURE_SUFFIXES)
    known = {} if store is None else {row.image_id: row for row in store.vectors(embedder.card.id)}
    agreement = Agreement((row.entry.entry_id, row.vector) for row in known.values())
    files = {row.file_sha256: row.entry.entry_id for row in known.values()}
    rejected, began_s, added = list(content.rejected), time.monotonic(), 0
    pictures: dict[str, int] = {}
    drafts = content.entries
    for start in range(0, len(drafts), CHUNK):
        chunk = drafts[start : start + CHUNK]
        shown = [
            one
            for draft in chunk
            for one in _read(folder, draft, files, set(known), embedder.card.id, pictures, rejected)
        ]
        images = _embedded(_cut(folder, shown, detector, embedder, rejected), embedder, imported_by, now)
        agreed = agreement.agreed(images, _names(folder, shown, embedder.card.id), rejected)
        if store is not None and agreed:
            store.put(agreed)
        added += len(agreed)
        for image in agreed:
            pictures[image.entry.entry_id] = pictures.get(image.entry.entry_id, 0) + 1
        done = min(start + CHUNK, len(drafts))
        on_progress(ImportProgress(done, len(drafts), (time.monotonic() - began_s) / done * (len(drafts) - done)))
    missing = [draft.entry for draft in drafts if not pictures.get(draft.entry.entry_id)]
    rejected.extend(
        Rejected(f"{entry.entry_id}/", "no usable picture: the entry is not on the list") for entry in missing
    )
    if store is not None and added:
        store.tidy()
    return ImportReport(sum(map(bool, pictures.values())), sum(pictures.values()), added, tuple(rejected))


def _read(
    folder: Path,
    draft: EntryDraft,
    files: dict[str, str],
    known: set[str],
    model: str,
    pictures: dict[str, int],
    rejected: list[Rejected],
) -> Iterable[_Shown]:
    """The entry's pictures that are new and readable; ``files`` and ``pictures`` take note of them."""
    entry_id = draft.entry.entry_id
    for path in draft.pictures:
        name = path.relative_to(folder).as_posix()
        try:
            data = path.read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            if image_id(entry_id, sha256, model) in known:
                pictures[entry_id] = pictures.get(entry_id, 0) + 1
                continue
            owner = files.get(sha256)
            if owner is not None:
                whose = "this entry has it already" if owner == entry_id else f"it is also entry {owner}'s"
                rejected.append(Rejected(name, f"duplicate picture: {whose}"))
                continue
            pixels = read_picture(data, name=name)
        except OSError as error:
            rejected.append(Rejected(name, f"the file cannot be read: {error.strerror}"))
            continue
        except PictureError as error:
            rejected.append(Rejected(name, str(error)))
            continue
        files[sha256] = entry_id
        yield _Shown(draft, path, sha256, pixels)


def _cut(
    folder: Path, shown: Sequence[_Shown], detector: Detector, embedder: Embedder, rejected: list[Rejected]
) -> list[_Cut]:
    """Subjects of the pictures that have one which is good enough."""
    chip_spec = embedder.card.chip
    assert chip_spec is not None
    cuts = []
    for one, faces in zip(shown, detect_stills([one.pixels for one in shown], detector), strict=True):
        name = one.path.relative_to(folder).as_posix()
        height_px, width_px = one.pixels.shape[:2]
        row, reason = choose_subject(faces, width_px, height_px)
        if row is None:
            rejected.append(Rejected(name, reason))
            continue
        box, points = faces.boxes[row], faces.points[row]
        chip = cut_chips(one.pixels, points[np.newaxis], chip_spec)[0]
        quality = assess(box, points, float(faces.scores[row]), chip, FLOOR)
        if not quality.accepted:
            rejected.append(Rejected(name, _below_floor(quality.reason, quality.size_px)))
            continue
        cuts.append(_Cut(one, chip, encode_jpeg(crop_face(one.pixels, box)), quality.value, quality.size_px))
    return cuts


def detect_stills(pictures: Sequence[Picture], detector: Detector) -> list[Faces]:
    """Faces of pictures of any size, in their own pixels; where none is found, once more with a border."""
    found = _detect_canvases(pictures, detector)
    again = [number for number, faces in enumerate(found) if not len(faces)]
    borders = [round(BORDER * max(pictures[number].shape[:2])) for number in again]
    bordered = [
        np.pad(pictures[number], ((border, border), (border, border), (0, 0)))
        for number, border in zip(again, borders, strict=True)
    ]
    for number, border, faces in zip(again, borders, _detect_canvases(bordered, detector), strict=True):
        found[number] = faces.mapped(1.0, -border, -border)
    return found


def _detect_canvases(pictures: Sequence[Picture], detector: Detector) -> list[Faces]:
    found = [Faces.none()] * len(pictures)
    for side_px, numbers in _by_canvas(pictures).items():
        for start in range(0, len(numbers), DETECT_BATCH):
            batch = numbers[start : start + DETECT_BATCH]
            fitted = [fit(pictures[number], side_px, side_px) for number in batch]
            answers = detector.detect(np.stack([canvas for canvas, _ in fitted]))
            for number, (_, mapping), faces in zip(batch, fitted, answers, strict=True):
                found[number] = mapping.back(faces)
    return found


def _by_canvas(pictures: Sequence[Picture]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for number, picture in enumerate(pictures):
        side_px = SMALL_PX if max(picture.shape[:2]) <= SMALL_PX else LARGE_PX
        groups.setdefault(side_px, []).append(number)
    return groups


def _embedded(cuts: Sequence[_Cut], embedder: Embedder, imported_by: str, now: float) -> list[EnrolledImage]:
    if not cuts:
        return []
    vectors: Floats = embedder.embed(np.stack([cut.chip for cut in cuts]))
    return [
        EnrolledImage(
            entry=cut.shown.draft.entry,
            file_sha256=cut.shown.sha256,
            model=embedder.card.id,
            vector=vector,
            quality=round(cut.quality, 4),
            size_px=round(cut.size_px, 1),
            jpeg=cut.jpeg,
            imported_by=imported_by,
            imported_at=now,
        )
        for cut, vector in zip(cuts, vectors, strict=True)
    ]


def _names(folder: Path, shown: Sequence[_Shown], model: str) -> dict[str, str]:
    """Names of pictures by their image ids."""
    return {
        image_id(one.draft.entry.entry_id, one.sha256, model): one.path.relative_to(folder).as_posix() for one in shown
    }


def _below_floor(reason: str, size_px: float) -> str:
    if reason == "too_small":
        return f"the face is too small: {size_px:.0f} px, at least {FLOOR.min_size_px:.0f} px are needed"
    return f"the face is below the enrolment floor: {reason.replace('_', ' ')}"
