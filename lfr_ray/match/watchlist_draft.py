"""The watchlist as it would be: what was added, changed or removed waits in a table of its own until it is approved.

The table has the watchlist's own form. One row of an entry says what the entry would be; a row that expires at
:data:`REMOVED_AT` says that it is to go. Comparing goes on with the list as it was approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lfr_ray.errors import ConflictError, NotFoundError
from lfr_ray.match.keeper_answers import Change, ListedEntry
from lfr_ray.match.watchlist_entries import ENTRY_FIELDS, EnrolledImage, Entry
from lfr_ray.match.watchlist_store import RowT, StoredPicture, StoredVector, WatchlistStore, hash_of, in_order

REMOVED_AT = 0.0
"""Expiry, seconds since 1970, of an entry that is to be removed."""


class ListDraft:
    """A watchlist and what waits beside it. All methods raise StoreError where one of both cannot be read or written.

    Args:
        store: The list that is compared with.
        waiting: Where changes wait; None: nobody approves this list, and changes count at once.
    """

    def __init__(self, store: WatchlistStore, waiting: WatchlistStore | None) -> None:
        self.store, self._waiting = store, waiting

    @property
    def at_once(self) -> bool:
        """Changes count at once."""
        return self._waiting is None

    def pictures(self) -> tuple[tuple[StoredPicture, ...], Mapping[str, Change]]:
        """Every picture of the list as it would be, those that are to go as well; and of each entry what waits."""
        here = self.store.pictures()
        waiting = () if self._waiting is None else self._waiting.pictures()
        known = {row.entry.entry_id for row in here}
        changes: dict[str, Change] = {}
        for row in waiting:
            one = row.entry.entry_id
            changes[one] = "removed" if _is_going(row.entry) else "changed" if one in known else "added"
        return tuple(overlaid(here, waiting)), changes

    def vectors(self) -> list[StoredVector]:
        """Every vector of the list as it would be."""
        waiting = () if self._waiting is None else self._waiting.vectors()
        return [row for row in overlaid(self.store.vectors(), waiting) if not _is_going(row.entry)]

    def entry(self, entry_id: str) -> Entry:
        """One entry as it would be.

        Raises:
            NotFoundError: There is none, or it is to go.
        """
        found = next((row.entry for row in self.pictures()[0] if row.entry.entry_id == entry_id), None)
        if found is None or _is_going(found):
            raise NotFoundError("the watchlist has no such entry", next_step="see the list")
        return found

    def put(self, images: Sequence[EnrolledImage]) -> None:
        """Add pictures."""
        (self._waiting or self.store).put(images)

    def change(self, entry: Entry, by: str, now_s: float) -> None:
        """Say something else of an entry.

        Raises:
            NotFoundError: There is no such entry.
        """
        self.entry(entry.entry_id)
        rows = self._rows(entry.entry_id)
        self.put([replace(row, entry=entry, imported_by=by, imported_at=now_s) for row in rows])

    def remove(self, entry_id: str, by: str, now_s: float) -> Change:
        """Take an entry off the list; what waits alone is erased at once. Gives what waits now; empty where it is gone.

        Raises:
            NotFoundError: There is no such entry.
        """
        entry = self.entry(entry_id)
        change = self.pictures()[1].get(entry_id, "")
        if self._waiting is None:
            self.store.remove(entry_id)
            return ""
        if change:
            self._waiting.remove(entry_id)
        if change == "added":
            return ""
        image = self.store.images(entry_id)[0]
        entry = replace(entry, expires_at=REMOVED_AT)
        self._waiting.put([replace(image, entry=entry, imported_by=by, imported_at=now_s)])
        return "removed"

    def take_back(self, entry_id: str) -> None:
        """Erase what waits of an entry; the list stays as it is.

        Raises:
            ConflictError: Nothing waits of it.
        """
        if self._waiting is None or entry_id not in self.pictures()[1]:
            raise ConflictError("nothing waits of this entry", next_step="see the list")
        self._waiting.remove(entry_id)

    def importers(self) -> frozenset[str]:
        """Who made the list as it would be, those who took somebody off it as well."""
        return frozenset(row.imported_by for row in self.pictures()[0])

    def take_up(self) -> int:
        """Make the list what it would be, and erase what waited. Repeating it after a crash changes nothing more.

        Returns:
            How many entries were added, changed or removed.
        """
        if self._waiting is None or not (waiting := self._waiting.all()):
            return 0
        images, going = self._settled(waiting)
        self.store.put(images)
        self.store.remove(*going)
        self._waiting.destroy()
        return len({image.entry.entry_id for image in waiting})

    def proposal(self) -> tuple[str, tuple[str, ...]]:
        """The content's hash and the makers of the list as it would be: what an approver signs."""
        images, going = self._settled(() if self._waiting is None else self._waiting.all())
        rows = {image.image_id: image for image in (*self.store.all(), *images)}.values()
        kept = [image for image in rows if image.entry.entry_id not in going]
        return hash_of(image.digest() for image in kept), tuple(sorted({image.imported_by for image in kept}))

    def _settled(self, waiting: Sequence[EnrolledImage]) -> tuple[list[EnrolledImage], set[str]]:
        """Pictures to be written, and entries to be removed, for the list to be what it would be."""
        known = {one.entry_id for one in self.store.entries()}
        told = {image.entry.entry_id: image for image in waiting}
        going = {entry_id for entry_id, image in told.items() if _is_going(image.entry)}
        images = {image.image_id: image for image in waiting if image.entry.entry_id not in going}
        for entry_id in (told.keys() - going) & known:
            by, at = told[entry_id].imported_by, told[entry_id].imported_at
            for image in self.store.images(entry_id):
                if image.entry != told[entry_id].entry and image.image_id not in images:
                    images[image.image_id] = replace(image, entry=told[entry_id].entry, imported_by=by, imported_at=at)
        return list(images.values()), going & known

    def _rows(self, entry_id: str) -> list[EnrolledImage]:
        """Pictures of an entry that carry what is said of it: all where changes count at once, or those that wait."""
        if self._waiting is None:
            return list(self.store.images(entry_id))
        try:
            return list(self._waiting.images(entry_id))
        except NotFoundError:
            return [self.store.images(entry_id)[0]]


def overlaid(here: Sequence[RowT], waiting: Sequence[RowT]) -> list[RowT]:
    """Rows of the list with those that wait in their place, by entry id; each entry is what waits of it."""
    told = {row.entry.entry_id: row.entry for row in waiting}
    rows = {row.image_id: row for row in (*here, *waiting)}
    return list(in_order(replace(row, entry=told.get(row.entry.entry_id, row.entry)) for row in rows.values()))


def listed_entry(entry: Entry, rows: list[StoredPicture], waits: Change, now_s: float) -> ListedEntry:
    """One entry, as it would be, as its keepers are shown it; two models keep a row each of one picture."""
    return ListedEntry(
        **{name: getattr(entry, name) for name in ENTRY_FIELDS if name in ListedEntry.__dataclass_fields__},
        in_force=entry.in_force(now_s),
        pictures=len({row.file_sha256 for row in rows}),
        quality=max(row.quality for row in rows),
        imported_by=tuple(sorted({row.imported_by for row in rows} - {""})),
        waits=waits,
    )


def _is_going(entry: Entry) -> bool:
    return entry.expires_at == REMOVED_AT
