"""Enrolment of a watchlist folder: every picture is stored, or named with the reason why not.

folder -> read -> biometric reference -> consistency and duplicates -> one commit a chunk
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES, read_picture
from lfr_ray.enrol.contact_sheet import Look, look_at
from lfr_ray.enrol.face_option import crop_of, face_of
from lfr_ray.enrol.list_consistency import Consistency
from lfr_ray.enrol.reference_making import EnrolmentPicture, ReferenceMaker, SubjectFace
from lfr_ray.errors import PictureError
from lfr_ray.match.watchlist_entries import EnrolledImage, EntryDraft, Note, Rejected, image_id
from lfr_ray.match.watchlist_folder import read_watchlist_folder
from lfr_ray.match.watchlist_store import StoredVector, WatchlistStore
from lfr_ray.models.cards import Detector, Embedder, ModelCard
from lfr_ray.records import Faces

CHUNK = 64
"""Entries that are committed together; an import that is cut off resumes behind the last chunk."""

MEMORY_PIXELS = 48_000_000
"""Pictures are held decoded up to so many pixels at a time; one is always held."""

SAME_VIEW = 0.9999
"""Two vectors of one picture are this similar where the same face was taken."""

BATCH_PICTURES = 32
"""Pictures that are held decoded at a time, at most."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a folder.

    Attributes:
        entries: Entries on the list from this folder, old and new.
        added: Pictures added now; the others had been imported before.
        changed: Entries that were on the list and of which the folder says something else now.
        removed: Entries taken off the list because the folder no longer holds them.
        notes: What should be looked at of the pictures that were taken: which of several faces, or that it was turned.
    """

    entries: int
    images: int
    added: int
    rejected: tuple[Rejected, ...]
    changed: int = 0
    removed: int = 0
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How pictures are read.

    Attributes:
        faces: Which face is meant, see :func:`lfr_ray.enrol.face_option.face_options`. Such pictures are looked at
            again where they were imported before, as are those of which the CSV says it.
        rotate: Turn pictures that lie on their side or upside down.
        on_look: Is shown every picture with its faces; then all pictures are looked at again.
    """

    faces: Mapping[str, int] = field(default_factory=dict)
    rotate: bool = False
    on_look: Callable[[Look], None] | None = None


AS_THEY_ARE = Reading()


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: entries looked at, of how many, pictures read, and the seconds that the rest will take."""

    done: int
    of: int
    left_s: float
    pictures: int = 0
    pictures_per_s: float = 0.0


def enrol_folder(
    folder: Path,
    store: WatchlistStore | None,
    detector: Detector,
    embedder: Embedder,
    *,
    now: float,
    imported_by: str = "",
    write: bool = True,
    only_this_folder: bool = False,
    one_entry_each: bool = True,
    reading: Reading = AS_THEY_ARE,
    on_progress: Callable[[ImportProgress], None] = lambda progress: None,
) -> ImportReport:
    """Import a watchlist folder.

    Pictures that were imported before, with this model, are passed over, so an import that was cut off is
    resumed by starting it again. Of entries that are on the list already, what the folder says now is taken over. An
    entry without any usable picture is not on the list at all.

    Without a store nothing is known of earlier imports, and nothing is written; without ``write`` it says what would
    happen. Whoever imports may not approve the list. ``only_this_folder`` takes everything off the list that is not in
    the folder, and ``one_entry_each`` rejects a person who stands on it under another id already.

    Raises:
        WatchlistError: There is no such folder, or its CSV is broken as a whole.
        StoreError: The list cannot be written; what was committed before stays.
    """
    content = read_watchlist_folder(folder, PICTURE_SUFFIXES)
    drafts = content.entries
    only = frozenset(draft.entry.entry_id for draft in drafts) if only_this_folder else None

    def on_faces(picture: EnrolmentPicture, faces: Faces, row: int | None) -> None:
        if reading.on_look is not None:
            reading.on_look(look_at(picture.name, picture.pixels, faces, row))

    maker = ReferenceMaker(detector, embedder, rotate=reading.rotate, on_faces=on_faces)
    job = _Import(folder, store if write else None, maker, embedder.card, now, imported_by, reading, only)
    job.begin(drafts, () if store is None else store.vectors(), one_entry_each=one_entry_each)
    job.rejected += content.rejected
    job.notes += content.notes
    began_s = time.monotonic()
    for start in range(0, len(drafts), CHUNK):
        job.take(drafts[start : start + CHUNK])
        done, spent_s = min(start + CHUNK, len(drafts)), max(1e-9, time.monotonic() - began_s)
        left_s = spent_s / done * (len(drafts) - done)
        on_progress(ImportProgress(done, len(drafts), left_s, job.pictures_read, job.pictures_read / spent_s))
    return job.finish(drafts)


@dataclass(eq=False, repr=False)
class _Import:
    """One import under way; without a store it only says what would happen.

    Attributes:
        only: Entries that the list shall hold, and no other; None: it may hold others.
    """

    folder: Path
    store: WatchlistStore | None
    maker: ReferenceMaker
    card: ModelCard
    now: float
    imported_by: str
    reading: Reading
    only: frozenset[str] | None
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    added: int = 0
    pictures_read: int = 0
    _pictures: Counter[str] = field(default_factory=Counter)
    _seen: set[str] = field(default_factory=set)
    _changed: set[str] = field(default_factory=set)

    def begin(self, drafts: Sequence[EntryDraft], stored: Sequence[StoredVector], *, one_entry_each: bool) -> None:
        """Take note of what is on the list; where it shall hold certain entries only, take the others off first."""
        others = set() if self.only is None else {row.entry.entry_id for row in stored} - self.only
        self._removed = len(others)
        if others and self.store is not None:
            self.store.remove(*others)
        # Pictures without a view for every region that the model's card has by now are taken in again.
        own = [
            row
            for row in stored
            if row.entry.entry_id not in others
            and row.model == self.card.enrolled_as
            and row.covered.keys() >= set(self.maker.regions)
        ]
        again = self._looked_at_again(drafts, own)
        self._again = {row.image_id: row for row in own if row.image_id in again}
        own = [row for row in own if row.image_id not in again]
        self._known = {row.image_id: row for row in own}
        self._owners = {row.file_sha256: row.entry.entry_id for row in own}
        self._consistency = Consistency(
            ((row.entry.entry_id, row.vector) for row in own),
            self.card.calibration,
            one_entry_each=one_entry_each,
        )

    def take(self, chunk: Sequence[EntryDraft]) -> None:
        """Some entries, in one commit."""
        subjects: list[SubjectFace] = []
        for pictures in self._batches(chunk):
            subjects += self.maker.subjects(pictures, self.rejected, self.notes)
        images = self.maker.references(subjects, self.imported_by, self.now)
        names = {image.image_id: subject.name for image, subject in zip(images, subjects, strict=True)}
        accepted = self._consistency.consistent(images, names, self.rejected)
        for image in accepted:
            self._seen.add(image.image_id)
            self._pictures[image.entry.entry_id] += 1
        news = self._news(accepted)
        changed = self._changed_rows(chunk)
        if self.store is not None:
            # The bytes of changed rows are erased at the end, all at once.
            self.store.put([*news, *changed], erase=False)

    def finish(self, drafts: Sequence[EntryDraft]) -> ImportReport:
        """What is left to do when every entry was looked at."""
        for draft in drafts:
            if draft.entry.entry_id not in self._pictures:
                name = f"{draft.entry.entry_id}/"
                self.rejected.append(Rejected(name, "no usable picture: the entry is not on the list"))
        if self.store is not None:
            # Of a picture of which another face is meant now, the earlier one must not stay on the list.
            gone = self._again.keys() - self._seen
            if self.only is not None:
                gone |= self._known.keys() - self._seen
            self.store.remove_pictures(*gone)
            if self.added or self._changed:
                self.store.tidy()
        entries, images = len(self._pictures), self._pictures.total()
        refused = {one.file for one in self.rejected}
        notes = tuple(one for one in self.notes if one.file not in refused)
        return ImportReport(entries, images, self.added, tuple(self.rejected), len(self._changed), self._removed, notes)

    def _batches(self, chunk: Sequence[EntryDraft]) -> Iterator[list[EnrolmentPicture]]:
        """New and readable pictures, some at a time, so that a folder of large photographs fits into memory."""
        batch: list[EnrolmentPicture] = []
        pixels = 0
        for draft in chunk:
            for path in draft.pictures:
                one = self._read(draft, path)
                if one is None:
                    continue
                size = one.pixels.shape[0] * one.pixels.shape[1]
                if batch and (pixels + size > MEMORY_PIXELS or len(batch) == BATCH_PICTURES):
                    yield batch
                    batch, pixels = [], 0
                batch.append(one)
                pixels += size
        if batch:
            yield batch

    def _read(self, draft: EntryDraft, path: Path) -> EnrolmentPicture | None:
        """One picture, unless it is known already or cannot be read."""
        self.pictures_read += 1
        entry = draft.entry
        name = path.relative_to(self.folder).as_posix()
        try:
            data = path.read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            known = image_id(entry.entry_id, sha256, self.card.enrolled_as)
            if known in self._known and known not in self._seen:
                self._seen.add(known)
                self._pictures[entry.entry_id] += 1
                return None
            owner = self._owners.get(sha256)
            if owner is not None:
                whose = "this entry has it already" if owner == entry.entry_id else f"it is also entry {owner}'s"
                self.rejected.append(Rejected(name, f"duplicate picture: {whose}"))
                return None
            pixels = read_picture(data, name=name)
        except OSError as error:
            self.rejected.append(Rejected(name, f"the file cannot be read: {error.strerror or type(error).__name__}"))
            return None
        except PictureError as error:
            self.rejected.append(Rejected(name, str(error)))
            return None
        self._owners[sha256] = entry.entry_id
        face, of_file = face_of(draft, path, self.reading.faces)
        return EnrolmentPicture(entry, name, sha256, pixels, face, of_file, crop_of(draft, path))

    def _looked_at_again(self, drafts: Sequence[EntryDraft], own: Sequence[StoredVector]) -> frozenset[str]:
        """Ids of stored pictures that are looked at again: all for a sheet, else those with a face or crop."""
        found: set[str] = set()
        stored = {row.entry.entry_id for row in own}
        for draft in drafts:
            for path in draft.pictures if draft.entry.entry_id in stored else ():
                chosen = face_of(draft, path, self.reading.faces)[0] or crop_of(draft, path)
                if self.reading.on_look is None and chosen is None:
                    continue
                with contextlib.suppress(OSError):  # it is named when it is read
                    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
                    found.add(image_id(draft.entry.entry_id, sha256, self.card.enrolled_as))
        return frozenset(found)

    def _news(self, accepted: Sequence[EnrolledImage]) -> list[EnrolledImage]:
        """The pictures that say something new; one that was looked at again and gave the same does not."""
        news = []
        for image in accepted:
            before = self._again.get(image.image_id)
            same_face = before is not None and float(before.vector @ image.vector) >= SAME_VIEW
            if before is not None and same_face and before.entry == image.entry:
                continue
            news.append(image)
            if same_face:
                self._changed.add(image.entry.entry_id)
            else:
                self.added += 1
        return news

    def _changed_rows(self, chunk: Sequence[EntryDraft]) -> list[EnrolledImage]:
        """Stored pictures of entries of which the folder says something else than before, with what it says now."""
        told = {draft.entry.entry_id: draft.entry for draft in chunk}
        changed = {
            row.entry.entry_id for row in self._known.values() if told.get(row.entry.entry_id, row.entry) != row.entry
        }
        self._changed |= changed
        if self.store is None:
            return []
        return [
            replace(image, entry=told[entry_id], imported_by=self.imported_by, imported_at=self.now)
            for entry_id in sorted(changed)
            for image in self.store.images(entry_id)
        ]
