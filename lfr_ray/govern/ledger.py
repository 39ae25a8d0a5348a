"""The audit ledger: append-only JSON Lines, each line bound to the one before, the end signed.

A record is durable before ``append`` returns. Records of several callers that wait at the same
time go to the disk together. Several processes may write the same ledger: a lock file gives each
its turn, and each first reads what the others wrote.

When the disk is full the records wait in memory, ``fault`` says so, matching stops, and they are
written, in their order and with their times, as soon as there is space. What would be sent again after an
error is handed over once, with ``keep``, and then asked for with ``settle``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lfr_ray.clock import Clock, SystemClock, parse_utc
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import disk_error, own_folder, sync_folder, write_all, write_durable
from lfr_ray.errors import IntegrityError, LfrError, StoreError
from lfr_ray.govern.canonical_json import sha256_hex
from lfr_ray.govern.ledger_checkpoint import Checkpoint, load_checkpoint, overwrite
from lfr_ray.govern.ledger_event import RESUMED, SEAL_PURPOSE, STOPPED, Event, Kept, check_event, line_of
from lfr_ray.govern.ledger_has_copy import bring_up, copy_of
from lfr_ray.govern.ledger_head import Head, HeadFile, clock_after
from lfr_ray.govern.ledger_health import FailureMarker, space_fault
from lfr_ray.govern.ledger_verify import read_tail
from lfr_ray.govern.signing_keys import PublicKey, SigningKey
from lfr_ray.govern.trust_file import site_key, trusted_keys
from lfr_ray.govern.write_beside import WriteBeside, told_if_late


class Ledger:
    """Appends records and keeps the signed head; one record in ``seal_every`` seals the ledger from inside.

    Raises:
        IntegrityError: The ledger was truncated, removed or replaced, or its head does not hold.
        StoreError: It cannot be read or written.
    """

    def __init__(
        self,
        data_dir: DataDir,
        key: SigningKey,
        trusted: Mapping[str, PublicKey],
        *,
        clock: Clock | None = None,
        seal_every: int = 1000,
    ) -> None:
        self._data_dir = data_dir
        self._path = path = data_dir.ledger
        self._key = key
        self._trusted = trusted
        self._clock = clock or SystemClock()
        self._seal_every = seal_every
        self._waiting: list[Kept] = []
        self._queue = threading.Condition()
        self._writing = False
        self._commit = threading.Lock()
        self._marker = FailureMarker(data_dir.ledger_failed)
        self._head_file = HeadFile(data_dir.ledger_head, key)
        self._head = Head()
        self._copy = copy_of(data_dir)
        self._failure = ""
        self._broken = ""
        self._head_stale = False
        self._unsealed = False
        self._beside = WriteBeside(self.settle, lambda: bool(self._waiting or self._failure) and not self._broken)
        try:
            own_folder(path.parent)
            self._lock = os.open(data_dir.ledger_lock, os.O_RDWR | os.O_CREAT, 0o600)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise disk_error("the ledger cannot be opened", path, error) from None
        self._open()

    @property
    def head(self) -> Head:
        """Where the ledger ends, as far as this process knows."""
        return self._head

    def fault(self) -> str:
        """Empty, or why records cannot be written: then matching stops.

        What could not be written is tried again; where somebody does so just now, the answer is what was known last.
        """
        with contextlib.suppress(LfrError, OSError):
            if not self._broken and self._size() < self._head.size_bytes:
                self._break("the ledger was truncated")
        if self._failure:
            self._try(wait=False)
        return self._broken or self._failure or self._marker.fault() or space_fault(self._path.parent)

    def append(self, event: Event) -> None:
        """Record one event durably.

        Raises:
            InputError: The event does not belong into a ledger.
            StoreError: It could not be written. It is kept and written later: do not append it again, see :meth:`keep`.
            IntegrityError: The ledger was truncated or replaced under us.
        """
        self.append_many((event,))

    def append_many(self, events: Sequence[Event]) -> None:
        """Record several events with one wait for the disk; see :meth:`append`."""
        entries = self.keep(*events)
        with self._queue:
            # Whoever comes while another is writing waits, and all who wait are written together by one of them.
            while self._writing and not all(entry.acknowledged for entry in entries):
                self._queue.wait()
            mine = not all(entry.acknowledged for entry in entries)
            self._writing = self._writing or mine
        if mine:
            try:
                self.settle()
            finally:
                with self._queue:
                    self._writing = False
                    self._queue.notify_all()
        if not all(entry.recorded for entry in entries):
            raise AssertionError("a record was neither written nor refused")

    def append_soon(self, event: Event) -> Kept:
        """Record one event without waiting for a database that is silent: then it is written in the end."""
        (entry,) = self.keep(event)
        self._try(wait=True)
        return entry

    def keep(self, *events: Event) -> Sequence[Kept]:
        """Take events over, to be written with what is written next. InputError: see :meth:`append`."""
        for event in events:
            check_event(event)
        entries = [Kept(event, self._clock.wall_s()) for event in events]
        with self._queue:
            self._waiting.extend(entries)
        return entries

    def settle(self, *, wait: bool = True) -> None:
        """Write all that was taken over, or raise as :meth:`append` does; ``wait``: for who writes just now."""
        if self._commit.acquire(blocking=wait):
            late = contextlib.nullcontext() if self._copy is None else told_if_late(self._late)
            try:
                with late:
                    self._write_waiting()
            finally:
                self._commit.release()

    def seal(self) -> None:
        """Sign the ledger as it stands in a record of its own, which stays in every export."""
        with self._commit:
            try:
                with self._locked():
                    self._put([], seal=True)
            except (OSError, StoreError) as error:
                raise self._failed(error, 0) from None

    def drop(self, checkpoint: Checkpoint) -> None:
        """Overwrite the oldest records: from now on the checkpoint stands for them.

        Raises:
            StoreError: It could not be written; the next opening goes on.
        """
        with self._commit, self._locked():
            try:
                checkpoint.save(self._data_dir, self._key, self._clock.wall_s())
                overwrite(self._path, checkpoint)
            except OSError as error:
                raise disk_error("old records of the ledger cannot be overwritten", self._path, error) from None

    def close(self) -> None:
        """Seal what this process wrote, and close. Waiting records are tried once more."""
        if self._file < 0:
            return
        self._beside.end()
        with contextlib.suppress(LfrError, OSError):
            self.settle()
            if self._unsealed or self._copy is not None:  # files may have changed since the last record
                with self._commit, self._locked():
                    if self._unsealed:
                        self._put([], seal=True)
        with self._commit:
            self._head_file.close()
            # With records unwritten the marker stays: the next process to open the ledger records that they were lost.
            self._marker.clear(remove=not self._waiting)
            if self._copy is not None:
                self._copy.close()
            os.close(self._file)
            os.close(self._lock)
            self._file = self._lock = -1

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------

    def _try(self, *, wait: bool) -> None:
        """Write what waits; where there is a copy, beside whoever asks: its machine may be silent."""
        if self._copy is not None:
            self._beside.begin(wait=wait)
        else:
            with contextlib.suppress(LfrError):
                self.settle(wait=wait)

    def _write_waiting(self) -> None:
        with self._queue:
            batch = [entry for entry in self._waiting if not entry.recorded]
        if not self._waiting and not self._head_stale and not self._failure:
            return
        if self._file < 0:
            raise StoreError("the ledger is closed", got=self._path.name, next_step="open it again")
        if self._broken:
            raise IntegrityError(self._broken, next_step="run `lfr audit verify`")
        try:
            with self._locked():
                if batch:
                    self._put(batch, seal=False)
                else:
                    self._refresh_head()
                for entry in batch:
                    entry.recorded = True
        except (OSError, StoreError) as error:
            raise self._failed(error, len(self._waiting)) from None
        with self._queue:
            for entry in self._waiting:
                entry.acknowledged = entry.recorded
            self._waiting = [entry for entry in self._waiting if not entry.acknowledged]
        if not self._head_stale:
            self._failure = ""
            self._marker.clear()

    def _put(self, batch: Sequence[Kept], *, seal: bool) -> None:
        """Append lines durably and move the head. Leaves nothing behind when it fails."""
        head = self._head
        lines: list[bytes] = []
        number, digest, accepted, latest_at = head.count, head.sha256, head.accepted, head.latest_at
        for entry in batch:
            number += 1
            line, digest = line_of(entry.event, number, entry.at, digest)
            accepted, latest_at = clock_after(accepted, latest_at, entry.event.what, entry.at)
            lines.append(line)
        if seal or number // self._seal_every > head.count // self._seal_every:
            at = max(self._clock.wall_s(), 0.0)
            line, digest = line_of(self._seal_event(number, digest, at), number + 1, at, digest)
            number += 1
            lines.append(line)
        data = b"".join(lines)
        try:
            os.lseek(self._file, head.size_bytes, os.SEEK_SET)
            write_all(self._file, data)
            os.fsync(self._file)
        except OSError:
            # Half a batch must not stay: its records are still waiting and will be written again.
            os.ftruncate(self._file, head.size_bytes)
            raise
        self._head = Head(number, digest, head.size_bytes + len(data), latest_at, accepted)
        self._unsealed = not seal
        self._refresh_head()

    def _refresh_head(self) -> None:
        self._head_stale = True
        try:
            self._head_file.write(self._head, self._clock.wall_s())
        except OSError as error:
            # The lines are durable and chained, only their signature is late: nothing may be written twice.
            self._failure = str(disk_error("the ledger's head cannot be written", self._path, error))
            self._marker.set()
            return
        self._head_stale = False

    def _seal_event(self, count: int, digest: str, at: float) -> Event:
        signature = self._key.sign(SEAL_PURPOSE, {"count": count, "sha256": digest}, at)
        facts = {"count": count, "sha256": digest, "signature": signature.model_dump(mode="json")}
        return Event("seal", "ledger sealed", facts=facts)

    def _late(self) -> None:
        self._marker.set()  # first: whatever is cleared meanwhile, what is said below has it cleared again
        self._failure = "the ledger's database does not answer, so matching stops"

    def _failed(self, error: OSError | StoreError, waiting: int) -> StoreError:
        what = "the ledger cannot be written, so matching stops"
        fault = error if isinstance(error, StoreError) else disk_error(what, self._path, error)
        step = fault.next_step or "check this disk"
        self._failure = fault.what
        self._marker.set()
        return StoreError(fault.what, got=fault.got, next_step=f"{step}; {waiting} records wait and are written then")

    # -- other processes and crashes ----------------------------------------------------------

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock between processes, and know everything that others wrote."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            self._catch_up()
            yield
            if self._copy is not None:
                self._copy.carry(self._head)
        except IntegrityError as error:
            self._broken = error.what
            raise
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _open(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                empty = os.fstat(self._file).st_size == 0
                if empty and not self._data_dir.ledger_head.exists():
                    sync_folder(self._path.parent)
                    self._head_file.create(Head(), self._clock.wall_s())
                overwrite(self._path, load_checkpoint(self._data_dir))
                self._catch_up()
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)
        except OSError as error:
            raise disk_error("the ledger cannot be opened", self._path, error) from None
        if self._marker.clear_stale():
            self.append(Event("incident", "a process that could not write the ledger ended without recovering"))

    def _catch_up(self) -> None:
        head, doubt = self._head_file.read(self._trusted)
        if head is None:
            raise self._break(doubt)
        if head.count < self._head.count:
            if not self._head_stale:
                raise self._break("the ledger's head was set back")
            head = self._head
        size = self._size()
        if size < head.size_bytes:
            raise self._break(f"the ledger was truncated: {size} bytes of {head.size_bytes} are left")
        self._head = head
        if size > head.size_bytes:
            self._recover_tail(size)

    def _recover_tail(self, size: int) -> None:
        """Lines after the head: whole ones were written before a crash, the rest is set aside."""
        data = os.pread(self._file, size - self._head.size_bytes, self._head.size_bytes)
        records, good_bytes = read_tail(data, self._head.count, self._head.sha256)
        head = self._head
        for record in records:
            at = parse_utc(record["at"])
            accepted, latest_at = clock_after(head.accepted, head.latest_at, record["what"], at)
            head = replace(head, count=record["n"], sha256=record["sha256"], latest_at=latest_at, accepted=accepted)
        torn = data[good_bytes:]
        if torn:
            aside = self._data_dir.ledger_torn
            earlier = aside.read_bytes() if aside.exists() else b""
            write_durable(aside, earlier + torn + b"\n", 0o600)
            os.ftruncate(self._file, self._head.size_bytes + good_bytes)
            os.fsync(self._file)
        self._head = replace(head, size_bytes=head.size_bytes + good_bytes)
        facts = {"bytes_count": len(torn), "torn_sha256": sha256_hex(torn), "whole_records": len(records)}
        events = [Event("incident", "the ledger was not closed cleanly", facts=facts)]
        if any(record["what"] == RESUMED for record in records):
            # Nobody signed that line: matching stays off until somebody resumes again.
            events.append(Event("stop", STOPPED, actor="system", reason="a resumption was not signed; resume again"))
        self._put([Kept(event, self._clock.wall_s()) for event in events], seal=False)

    def _size(self) -> int:
        mine = os.fstat(self._file)
        try:
            named = self._path.stat()
        except FileNotFoundError:
            raise self._break("the ledger file was removed") from None
        if (named.st_ino, named.st_dev) != (mine.st_ino, mine.st_dev):
            raise self._break("the ledger file was replaced")
        return mine.st_size

    def _break(self, why: str) -> IntegrityError:
        self._broken = why
        return IntegrityError(
            why,
            got=self._path.name,
            next_step="run `lfr audit verify`; keep the ledger files as evidence, move them aside to start a new one",
        )


def open_ledger(data_dir: DataDir, database_url: str = "", clock: Clock | None = None) -> Ledger:
    """The site's ledger; several processes may have it open. With a copy's address it is brought up from there first.

    Raises:
        IntegrityError: It was truncated or replaced.
        StoreError: It cannot be opened.
    """
    bring_up(data_dir, database_url)
    key = site_key(data_dir)
    return Ledger(data_dir, key, trusted_keys(data_dir), clock=clock)
