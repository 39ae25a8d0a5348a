"""The durable watchlist: rows in a table, an approval beside it, and erasure that leaves nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from lfr_ray.errors import ConflictError, IntegrityError, NotFoundError, RefusedError, StoreError
from lfr_ray.match.lancedb_table import SCHEMA, Table, covered_of, entry_of, image_of, quoted
from lfr_ray.match.watchlist_approval import Approval, Sign, approval_bytes, parse_approval
from lfr_ray.match.watchlist_entries import ENTRY_FIELDS, EnrolledImage, Entry, vector_sha256
from lfr_ray.match.watchlist_store_on_disk import StoreFolder
from lfr_ray.match.watchlist_store_on_s3 import StoreBucket
from lfr_ray.records import ENROLLED_KINDS, Floats, same_person
from lfr_ray.s3_bucket import Bucket

_WITHOUT_PICTURE = tuple(name for name in SCHEMA.names if name != "jpeg")


@dataclass(frozen=True, slots=True, eq=False)
class StoredVector:
    """A stored picture without the picture."""

    entry: Entry
    image_id: str
    file_sha256: str
    model: str
    vector: Floats = field(repr=False)
    quality: float
    size_px: float
    covered: Mapping[str, Floats] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """What is known of a stored picture: neither the picture nor its vector."""

    entry: Entry
    image_id: str
    file_sha256: str
    model: str
    quality: float
    imported_by: str
    imported_at: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """The whole list at one moment: what a matcher needs, and the hash of exactly that."""

    vectors: tuple[StoredVector, ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What a destruction destroyed: counts and hashes, no personal data."""

    entries: int
    images: int
    files: int
    size_bytes: int
    content_hash: str
    jpeg_sha256: tuple[str, ...]
    vector_sha256: tuple[str, ...]


RowT = TypeVar("RowT", bound=EnrolledImage | StoredVector | StoredPicture)
MadeT = TypeVar("MadeT")


class WatchlistStore:
    """The watchlist in a folder or a bucket.

    Any number of processes may hold one on the same place: readers see whole commits, writers take turns. Every
    method raises StoreError where the table cannot be read or written; a write that fails leaves the list as it was.
    What reads digests raises IntegrityError where a row is not as it was written.

    Args:
        folder: The folder, or a bucket's prefix; it is made with the first write.
    """

    def __init__(self, folder: Path | str | Bucket) -> None:
        self.folder = folder if isinstance(folder, Bucket) else Path(folder)
        self._table = Table(self.folder)
        self._place: StoreFolder | StoreBucket = (
            StoreBucket(self.folder, self._table)
            if isinstance(self.folder, Bucket)
            else StoreFolder(self.folder, self._table)
        )

    def put(self, images: Sequence[EnrolledImage], *, erase: bool = True) -> None:
        """Add pictures in one atomic commit; the same picture again replaces its row.

        The bytes of replaced rows are erased at once, or by the next :meth:`tidy` or removal.
        """
        if not images:
            return
        with self._place.writing():
            if self._table.put(images):
                self._place.note_superseded()
                if erase:
                    self._place.tidy()

    def all(self) -> tuple[EnrolledImage, ...]:
        """Every stored picture, by entry id. Needs memory for all of them."""
        return in_order(self._rows(_checked))

    def vectors(self, model: str = "") -> tuple[StoredVector, ...]:
        """Every stored picture's vector and entry, by entry id, of one model or of all."""
        return in_order(self._rows(_stored, _WITHOUT_PICTURE, f"model = {quoted(model)}" if model else ""))

    def pictures(self) -> tuple[StoredPicture, ...]:
        """What is known of every stored picture, by entry id; neither pictures nor vectors are read."""
        known = tuple(one.name for one in fields(StoredPicture) if one.name != "entry")
        rows = self._rows(lambda row: row, (*ENTRY_FIELDS, *known))
        return in_order(StoredPicture(entry_of(row), **{name: row[name] for name in known}) for row in rows)

    def load(self) -> Loaded:
        """Everything that matching needs, read and verified in one pass; pictures are hashed, not kept."""
        read = self._rows(lambda row: (_digest(row), _stored(row)))
        return Loaded(in_order(stored for _, stored in read), hash_of(digest for digest, _ in read))

    def content_hash(self) -> str:
        """Hash of the content, whatever the order of the rows: entries, pictures, models, vectors."""
        return hash_of(self._rows(_digest))

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, by id."""
        found = {entry.entry_id: entry for entry in self._rows(entry_of, ENTRY_FIELDS)}
        return tuple(found[entry_id] for entry_id in sorted(found))

    def images(self, entry_id: str) -> tuple[EnrolledImage, ...]:
        """The pictures of one entry.

        Raises:
            NotFoundError: No such entry.
        """
        found = self._rows(_checked, where=f"entry_id = {quoted(entry_id)}")
        if not found:
            raise _no_entry()
        return in_order(found)

    def image(self, entry_id: str) -> bytes:
        """JPEG of an entry's best picture.

        Raises:
            NotFoundError: No such entry.
        """
        return max(self.images(entry_id), key=lambda image: (image.quality, image.image_id)).jpeg

    def shown(self, entry_id: str, image_id: str) -> tuple[bytes | None, tuple[bytes, ...]]:
        """JPEG of one of an entry's pictures, None when it is no longer there; and of its others, the best first."""
        columns, where = ["image_id", "file_sha256", "quality", "jpeg"], f"entry_id = {quoted(entry_id)}"
        rows = sorted(self._rows(lambda row: row, columns, where), key=lambda row: -row["quality"])
        nearest = next((row for row in rows if row["image_id"] == image_id), None)
        if nearest is None:
            return None, ()
        files = {row["file_sha256"]: bytes(row["jpeg"]) for row in rows}  # two models have a row each of one file
        del files[nearest["file_sha256"]]
        return bytes(nearest["jpeg"]), tuple(files.values())[: len(ENROLLED_KINDS)]

    def remove(self, *entry_ids: str) -> None:
        """Remove entries and erase their bytes from the disk.

        If the list is without them and the erasure fails, whoever opens the folder next finishes it.

        Raises:
            NotFoundError: One of them does not exist; nothing was removed.
        """
        known = {entry.entry_id for entry in self.entries()}
        if not known.issuperset(entry_ids):
            raise _no_entry()
        if not entry_ids:
            return
        self._delete("entry_id", entry_ids)

    def remove_pictures(self, *image_ids: str) -> None:
        """Remove single pictures, as :meth:`remove` does entries; an entry without any left is gone."""
        if image_ids and self._table.exists():
            self._delete("image_id", image_ids)

    def _delete(self, column: str, values: Sequence[str]) -> None:
        with self._place.writing():
            self._table.delete(column, values)
            self._place.note_superseded()
            self._place.tidy()

    def tidy(self) -> None:
        """Join the many small files of an import, and erase what was replaced."""
        if self._table.exists():
            with self._place.writing():
                self._place.tidy()

    def revision(self) -> str:
        """Changes with every commit and every approval; costs a look at few names."""
        return hashlib.sha256(self._place.revision().encode()).hexdigest()[:16]

    def importers(self) -> frozenset[str]:
        """Who imported anything that is on the list."""
        return frozenset(self._rows(_importer, ["imported_by"]))

    def approve(self, approved_by: str, now_s: float, sign: Sign | None = None) -> Approval:
        """Freeze the list as it is, signed with the approver's key: a second person has looked at it.

        Raises:
            RefusedError: The approver has imported entries of the list.
            ConflictError: There is nothing to approve.
        """
        read = self._rows(lambda row: (_digest(row), _importer(row)))
        if not read:
            raise ConflictError("the watchlist is empty", next_step="import entries first: `lfr watchlist import`")
        makers = tuple(sorted({who for _, who in read}))
        check_approver(approved_by, makers)
        content_hash = hash_of(digest for digest, _ in read)
        document = {"content_hash": content_hash, "imported_by": list(makers)}
        signature = sign(document) if sign is not None else None
        approval = Approval(approved_by.strip(), now_s, content_hash, makers, signature)
        self._place.write_approval(approval_bytes(approval))
        return approval

    def approval(self, now_s: float) -> Approval | None:
        """The approval that holds at this moment; None when there is none, or the list has changed since."""
        return self.approval_of(self.content_hash(), now_s)

    def approval_of(self, content_hash: str, now_s: float) -> Approval | None:
        """The approval of a content whose hash is known already."""
        known = parse_approval(self._place.read_approval())
        if known is None or known.approved_at > now_s or known.content_hash != content_hash:
            return None
        return known

    def _rows(
        self, make: Callable[[dict[str, Any]], MadeT], columns: Sequence[str] = SCHEMA.names, where: str = ""
    ) -> list[MadeT]:
        """What is made of each row, of one version of the table."""
        return self._place.read(lambda: [make(row) for row in self._table.rows(columns, where)])

    def destroy(self) -> Destroyed:
        """Destroy the whole list physically: every file is overwritten, flushed and removed.

        A crash in the middle is made up for by whoever opens the folder next.
        """
        known, digests, jpegs = set(), [], []
        vectors: list[str] = []
        with self._place.destroying() as done:
            try:
                for row in self._table.rows(SCHEMA.names):
                    image = image_of(row)
                    known.add(image.entry.entry_id)
                    digests.append(image.digest())
                    jpegs.append(hashlib.sha256(image.jpeg).hexdigest())
                    vectors += map(vector_sha256, (image.vector, *image.covered.values()))
            except StoreError:
                # Damaged files are destroyed all the same; there is less to say about them.
                digests.clear()
        files, size_bytes = done or (0, 0)
        content_hash = hash_of(digests) if digests else ""
        return Destroyed(len(known), len(jpegs), files, size_bytes, content_hash, tuple(jpegs), tuple(vectors))


def _stored(row: dict[str, Any]) -> StoredVector:
    kept = {name: row[name] for name in ("image_id", "file_sha256", "model", "quality", "size_px")}
    return StoredVector(entry=entry_of(row), vector=row["embedding"], covered=covered_of(row), **kept)


def _checked(row: dict[str, Any]) -> EnrolledImage:
    image = image_of(row)
    if image.digest() != row["digest"] or image.image_id != row["image_id"]:
        raise IntegrityError(
            "a stored watchlist entry is not as it was written",
            got=f"picture {row['image_id']}",
            next_step="the files were changed or are damaged: destroy the list and import it again",
        )
    return image


def _digest(row: dict[str, Any]) -> str:
    """The digest that was stored with a row, which is as it was written."""
    _checked(row)
    return str(row["digest"])


def _importer(row: dict[str, Any]) -> str:
    return str(row["imported_by"])


def in_order(rows: Iterable[RowT]) -> tuple[RowT, ...]:
    """By the entry's id, and of one entry by the picture's."""
    return tuple(sorted(rows, key=lambda row: (row.entry.entry_id, row.image_id)))


def hash_of(digests: Iterable[str]) -> str:
    """Hash of a list's content, from the digests of its pictures in any order."""
    return hashlib.sha256("\n".join(["watchlist 1", *sorted(digests)]).encode()).hexdigest()


def check_approver(approved_by: str, importers: Iterable[str]) -> None:
    """Whoever approves is somebody, and none of those who made the list.

    Raises:
        RefusedError: They are.
    """
    if not approved_by.strip() or any(same_person(approved_by, one) for one in importers):
        raise RefusedError(
            "a watchlist is approved by a second person",
            got="nobody" if not approved_by.strip() else "somebody who has imported entries of it",
            allowed="somebody who has not",
            next_step="let a colleague look at `lfr watchlist report` and approve",
        )


def _no_entry() -> NotFoundError:
    return NotFoundError("the watchlist has no such entry", next_step="see `lfr watchlist list`")
