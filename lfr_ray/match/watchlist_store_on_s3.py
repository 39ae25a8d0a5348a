"""The watchlist store on object storage: one writer at a time by a lease, readers without a lock, destruction."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from lfr_ray.errors import StoreError
from lfr_ray.match.lancedb_table import FOLDER, Table
from lfr_ray.s3_bucket import Bucket

LEASE_S = 30.0
"""A writer that has not renewed the lock for so long is dead. Waiters measure it on their own clocks."""
WAIT_S = 300.0
"""So long a writer waits for others before it gives up."""
ATTEMPTS = 4
"""So often a reader begins again while writers remove files under it."""

LOCK, FREE = "lock", b"free"
APPROVAL, UNFINISHED, SUPERSEDED, DESTROYING = "approval.json", "unfinished", "superseded", "destroying"
"""As in a folder, see :class:`lfr_ray.data_dir.WatchlistDir`."""

ResultT = TypeVar("ResultT")


class StoreBucket:
    """A table's prefix in a bucket, and its lock; methods: :class:`~lfr_ray.match.watchlist_store_on_disk.StoreFolder`.

    All of them raise StoreError where the storage refuses, or does not answer.

    Args:
        bucket: The prefix.
        table: The table in it.
    """

    def __init__(self, bucket: Bucket, table: Table) -> None:
        self._bucket = bucket
        self._table = table
        self._seen, self._seen_s = "", 0.0

    def read(self, work: Callable[[], ResultT]) -> ResultT:
        """What ``work`` reads: one version of the table, whatever writers do meanwhile."""
        for _ in range(ATTEMPTS):
            before = self._look()
            try:
                return work()
            except StoreError:
                # Either a writer has just removed what we were reading, or the files are damaged.
                if self._look() == before:
                    raise
        return work()

    def _look(self) -> dict[str, str]:
        """Tags of what changes with every commit and approval. Finishes what a dead writer has begun."""
        top = self._bucket.tags()
        if not {UNFINISHED, DESTROYING}.isdisjoint(top):
            with suppress(StoreError):
                self._recover(top)
                top = self._bucket.tags()
        if DESTROYING in top:
            raise StoreError(
                "the watchlist is being destroyed and that could not be finished",
                got=self._bucket.address,
                next_step="check that the storage permits it and run the same command again",
            )
        return self._bucket.tags(f"{FOLDER}/_versions/") | {APPROVAL: top.get(APPROVAL, "")}

    def revision(self) -> str:
        """Changes with every commit and approval, and when the storage goes away or comes back."""
        try:
            return str(sorted(self._look().items()))
        except StoreError:
            return "out of reach"

    def read_approval(self) -> bytes | None:
        """The approval's file, or None."""
        found = self._bucket.read(APPROVAL)
        return None if found is None else found[0]

    def write_approval(self, data: bytes) -> None:
        """Replace the approval's file."""
        self._bucket.write(APPROVAL, data)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer; a crash inside is noticed by whoever comes next."""
        with self._locked():
            self._finish(self._bucket.tags())
            self._bucket.write(UNFINISHED, b"")
            yield
            self._bucket.destroy(UNFINISHED)

    def note_superseded(self) -> None:
        """Rows were deleted or replaced; :meth:`tidy` has their bytes to destroy. To be called while writing."""
        self._bucket.write(SUPERSEDED, b"")

    def tidy(self) -> None:
        """Join small files, and destroy every version that is no longer on the list; to be called while writing."""
        if self._table.exists():
            if SUPERSEDED in self._bucket.tags():
                self._table.rewrite()
            self._table.clean()
            self._table.close()
        self._bucket.destroy(current=False)
        self._bucket.destroy(SUPERSEDED)

    @contextmanager
    def destroying(self) -> Iterator[list[int]]:
        """Be the only writer, and destroy everything when the block is left without an error.

        Yields:
            An empty list that holds the number of objects and versions, and of their bytes, afterwards.
        """
        done: list[int] = []
        with self._locked():
            yield done
            done += self._destroy()

    def _destroy(self) -> tuple[int, int]:
        self._bucket.write(DESTROYING, b"")
        self._table.close()
        gone = self._bucket.destroy(keep=(LOCK, DESTROYING))
        self._bucket.destroy(current=False)
        self._bucket.destroy(DESTROYING)
        return gone

    def _finish(self, top: dict[str, str]) -> None:
        """Finish what a writer that died has begun; to be called with the lock."""
        if DESTROYING in top:
            self._destroy()
        elif UNFINISHED in top:
            self.note_superseded()
            self.tidy()
            self._bucket.destroy(UNFINISHED)

    def _recover(self, top: dict[str, str]) -> None:
        if lease := self._taken(top.get(LOCK, "")):
            with self._renewed(lease):
                self._finish(self._bucket.tags())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        until_s = time.monotonic() + WAIT_S
        while not (lease := self._taken(self._bucket.tags().get(LOCK, ""))):
            if time.monotonic() > until_s:
                raise StoreError(
                    "the watchlist is being written by somebody else",
                    got=f"{self._bucket.address}, for {WAIT_S:.0f} s",
                    next_step="wait until that import or removal has ended, then run the same command again",
                )
            time.sleep(0.2)
        with self._renewed(lease):
            yield

    def _taken(self, known: str) -> str:
        """The lock's tag, taken if it is free or its holder dead; empty otherwise."""
        if known != self._seen:
            self._seen, self._seen_s = known, time.monotonic()
        dead = bool(known) and time.monotonic() - self._seen_s >= LEASE_S
        if known and not dead:
            found = self._bucket.read(LOCK)
            if found is None or found[0] != FREE:
                return ""
            known = found[1]
        return self._bucket.write(LOCK, secrets.token_bytes(16), over=known)

    @contextmanager
    def _renewed(self, lease: str) -> Iterator[None]:
        """Keep the lock while the block runs, then free it.

        Raises:
            StoreError: It was lost meanwhile: this process stood still or the storage was away for too long.
        """
        over = threading.Event()
        held = [lease]

        def renew() -> None:
            while held[0] and not over.wait(LEASE_S / 5):
                with suppress(StoreError):  # out of reach: the next one may pass before the lease has ended
                    held[0] = self._bucket.write(LOCK, secrets.token_bytes(16), over=held[0])

        keeper = threading.Thread(target=renew, name="watchlist-lock", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()
            if held[0]:
                with suppress(StoreError):  # it frees itself
                    held[0] = self._bucket.write(LOCK, FREE, over=held[0])
        if not held[0]:
            raise StoreError(
                "the watchlist's lock was lost while it was written",
                got=f"{self._bucket.address}: not renewed for {LEASE_S:.0f} s",
                next_step="look at the list (`lfr watchlist list`) and run the same command again",
            )
