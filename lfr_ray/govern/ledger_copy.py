"""The ledger's copy in a database on another machine, and of the files that belong to it.

The data folder stays what is read. Under the ledger's lock each record goes to the database before it is acknowledged,
and with it whatever else has changed: the signed head, grants, receipts, public records, who may use the site, a stop.
A head whose folder is new or behind is brought up from there. Keys are not copied: whoever makes a head brings them.

A record's number is its key. So of two heads that go on from the same ledger only one can: the other is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, Text, delete, insert, select
from sqlalchemy.exc import IntegrityError as TakenError
from sqlalchemy.exc import SQLAlchemyError

from lfr_ray.data_dir import DataDir
from lfr_ray.database_url import engine_of, fault_of, parsed, shown
from lfr_ray.durable_files import FileState, state_of, sync_folder, with_secrets, write_durable
from lfr_ray.errors import ConfigError, IntegrityError, LfrError, StoreError
from lfr_ray.govern.ledger_checkpoint import BLOCK_BYTES, Checkpoint, load_checkpoint
from lfr_ray.govern.ledger_event import split_line
from lfr_ray.govern.ledger_head import Head, HeadFile
from lfr_ray.govern.trust_file import trusted_keys

FIELD = "ledger -> database_url"
BUSY_TIMEOUT_S = 3.0
AGAIN_AFTER_S = 1.0
"""A database that could not be reached is left alone for so long."""

_tables = MetaData()
LINES = Table(
    "ledger_lines",
    _tables,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)
FILES = Table(
    "ledger_files",
    _tables,
    Column("name", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)


class LedgerCopy:
    """The copy of a site's ledger, at SQLAlchemy's URL with references in the place of secrets.

    Raises:
        ConfigError: The address is none, its secrets are not there, or its driver is not installed.
    """

    def __init__(self, data_dir: DataDir, address: str) -> None:
        self._data_dir = data_dir
        url = parsed(with_secrets(address), FIELD)
        self.shown_url = shown(url)
        self._engine = engine_of(url, FIELD, BUSY_TIMEOUT_S)
        self._made = False
        self._at = (0, 0)
        self._seen: dict[str, tuple[FileState, str]] = {}
        self._fault: StoreError | None = None
        self._again_s = 0.0

    def carry(self, head: Head) -> None:
        """Bring the copy up to what lies here. The ledger's lock is held.

        Raises:
            StoreError: It could not be written; ask again, nothing is written twice.
            IntegrityError: It has other records than are here: another head goes on with this ledger.
        """
        try:
            with self._writing() as connection:
                count, digest = self._tail(connection)
                if count < (begin := load_checkpoint(self._data_dir)).count:  # what is not there was dropped here
                    count, digest = begin.count, begin.sha256
                rows = list(self._after(count, head))
                goes_on_from = rows[0][2] if rows else head.sha256
                if count > head.count or goes_on_from != digest:
                    raise self._another(count, head.count)
                if rows:
                    connection.execute(insert(LINES), [{"n": number, "line": line} for number, line, _ in rows])
                self._carry_files(connection)
        except TakenError:
            raise self._another(head.count, head.count) from None

    def bring(self) -> None:
        """Bring the folder up to the copy, where that is ahead. The ledger's lock is held.

        Raises:
            StoreError: The database does not answer.
            IntegrityError: What is here is no earlier state of the copy.
            ConfigError: The keys are not here.
        """
        data_dir = self._data_dir
        head: Head | None = Head()
        unfinished = data_dir.ledger_draft.exists()  # a machine ended while it was brought up
        if not unfinished and (data_dir.ledger.exists() or data_dir.ledger_head.exists()):
            head, _ = HeadFile(data_dir.ledger_head).read(trusted_keys(data_dir))
        with self._writing() as connection:
            count, _ = self._tail(connection)
            if head is None or count < head.count:
                return  # what is wrong with a head is said by whoever opens the ledger
            begin = self._checkpoint(connection)
            if head.count > begin.count and self._digest(connection, head.count) != head.sha256:
                raise self._another(count, head.count)
            if count == head.count:
                return
            if not data_dir.site_key.exists():
                raise ConfigError(
                    "this machine has no keys, and the ledger's copy goes on with them",
                    got=data_dir.site_key,
                    next_step="bring the folder keys from wherever you keep it, then start again",
                )
            self._fetch_lines(connection, begin)
            files = {one.name: one.content for one in connection.execute(select(FILES.c.name, FILES.c.content))}
            for name, path in data_dir.copied_files.items():
                if name not in files:
                    path.unlink()
            for name, content in files.items():
                if (place := data_dir.copied_file(name)) is None:
                    raise IntegrityError("the ledger's copy holds a file that is none of a site's", got=name[:80])
                write_durable(place, content, 0o600)
            data_dir.ledger_draft.replace(data_dir.ledger)
            sync_folder(data_dir.root)

    def differences(self) -> tuple[list[str], list[str]]:
        """The copy against what lies here: faults, and what is worth knowing."""
        try:
            with self._writing() as connection:
                begin, (count, _) = load_checkpoint(self._data_dir), self._tail(connection)
                here, last = self._lines_from(begin), begin.count
                after = select(LINES.c.n, LINES.c.line).where(LINES.c.n > begin.count).order_by(LINES.c.n)
                with contextlib.closing(connection.execute(after.execution_options(yield_per=1000))) as there:
                    for (number, line, _), (copied, kept) in zip(here, there, strict=False):
                        if (number, line) != (copied, kept):
                            return [f"record {number} is another one in the copy at {self.shown_url}"], []
                        last = number
        except LfrError as error:
            return [], [f"the ledger's copy was not compared: {error.what}: {error.got}"]
        if count > last:
            return [f"the copy at {self.shown_url} has {count} records, {count - last} more than the ledger here"], []
        return [], [f"the copy at {self.shown_url} has the same {last} records"]

    # -- records ------------------------------------------------------------------------------

    def _tail(self, connection: Connection) -> tuple[int, str]:
        """Number and hash of the last record there."""
        last = connection.execute(select(LINES).order_by(LINES.c.n.desc()).limit(1)).first()
        if last is not None:
            return last.n, split_line(last.line)[1]
        begin = self._checkpoint(connection)
        return begin.count, begin.sha256

    def _digest(self, connection: Connection, number: int) -> str:
        line = connection.execute(select(LINES.c.line).where(LINES.c.n == number)).scalar()
        return split_line(line)[1] if line else ""

    def _checkpoint(self, connection: Connection) -> Checkpoint:
        name = self._data_dir.ledger_checkpoint.name
        content = connection.execute(select(FILES.c.content).where(FILES.c.name == name)).scalar()
        return Checkpoint.model_validate_json(content) if content else Checkpoint()

    def _after(self, count: int, head: Head) -> Iterator[tuple[int, bytes, str]]:
        """The records here after that one and up to the head."""
        begin = load_checkpoint(self._data_dir)
        offset = self._at[1] if begin.count <= self._at[0] <= count else begin.offset_bytes
        for number, line, previous in self._lines_from(begin.model_copy(update={"offset_bytes": offset})):
            offset += len(line)
            self._at = (number, offset)
            if number > count:
                yield number, line, previous
            if number >= head.count:
                break

    def _lines_from(self, begin: Checkpoint) -> Iterator[tuple[int, bytes, str]]:
        """Number, line and the hash before it."""
        with self._data_dir.ledger.open("rb") as file:
            file.seek(begin.offset_bytes)
            for line in file:
                with contextlib.suppress(ValueError):  # an unfinished line is set aside by whoever opens the ledger
                    record = json.loads(line)
                    yield record["n"], line, record["previous"]

    def _fetch_lines(self, connection: Connection, begin: Checkpoint) -> None:
        """The ledger's file as it was, byte for byte: what was dropped is blank."""
        with self._data_dir.ledger_draft.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            for offset in range(0, begin.offset_bytes, BLOCK_BYTES):
                file.write(b" " * min(BLOCK_BYTES, begin.offset_bytes - offset))
            after = select(LINES.c.line).where(LINES.c.n > begin.count).order_by(LINES.c.n)
            with contextlib.closing(connection.execute(after.execution_options(yield_per=1000))) as rows:
                for row in rows:
                    file.write(row.line)
            file.flush()
            os.fsync(file.fileno())

    # -- files --------------------------------------------------------------------------------

    def _carry_files(self, connection: Connection) -> None:
        """Each time against what is there: after a fail-over that may be older than what was written."""
        there = {one.name: one.sha256 for one in connection.execute(select(FILES.c.name, FILES.c.sha256))}
        seen: dict[str, tuple[FileState, str]] = {}
        changed = False
        for name, path in self._data_dir.copied_files.items():
            state = state_of(path.stat())
            if name in self._seen and self._seen[name] == (state, there.get(name)):
                seen[name] = self._seen[name]
                continue
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            seen[name] = (state, sha256)
            if there.get(name) != sha256:
                changed = True
                connection.execute(delete(FILES).where(FILES.c.name == name))
                connection.execute(insert(FILES).values(name=name, sha256=sha256, content=content))
        if gone := there.keys() - seen.keys():
            connection.execute(delete(FILES).where(FILES.c.name.in_(gone)))
        if gone or changed:
            connection.execute(delete(LINES).where(LINES.c.n <= self._checkpoint(connection).count))
        self._seen = seen

    # -- the database -------------------------------------------------------------------------

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction; the library's errors become ours, without values and passwords."""
        if self._fault is not None and time.monotonic() < self._again_s:
            raise self._fault
        try:
            if not self._made:
                _tables.create_all(self._engine)
                self._made = True
            with self._engine.begin() as connection:
                yield connection
        except TakenError:
            raise
        except (SQLAlchemyError, OSError) as error:
            self._seen = {}
            self._again_s = time.monotonic() + AGAIN_AFTER_S
            self._fault = StoreError(
                "the ledger's copy cannot be reached, so matching stops",
                got=f"{fault_of(error) if isinstance(error, SQLAlchemyError) else error} at {self.shown_url}",
                next_step="check that the database answers; it is tried again by itself",
            )
            raise self._fault from None
        self._fault = None

    def _another(self, there: int, here: int) -> IntegrityError:
        return IntegrityError(
            "the ledger here and its copy have gone on differently: another head has taken this site over",
            got=f"{there} records at {self.shown_url}, {here} here",
            next_step="end the site here, move this data folder aside, and start it with the keys alone",
        )

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
