"""One database, opened safely: durable commits, one writer at a time, errors without credentials or values."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, event, insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from lfr_ray.alert import alert_tables as tables
from lfr_ray.database_url import engine_of, fault_of, parsed, shown
from lfr_ray.durable_files import own_folder
from lfr_ray.errors import StoreError

BUSY_TIMEOUT_S = 5.0
FIELD = "alert -> database_url"


class Database:
    """The database of alerts: SQLite in a file by default, any other server by its URL.

    Its methods raise StoreError where it cannot be read or written; of a failed transaction nothing is written.

    Args:
        url: SQLAlchemy URL. May hold a password; it is never shown.
        busy_timeout_s: How long a writer waits for another one before it gives up.

    Raises:
        ConfigError: The URL is wrong, names no durable database, or its driver is not installed.
        StoreError: The database cannot be opened or was made by another version.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._url = parsed(url, FIELD)
        self.shown_url = shown(self._url)
        self.engine = engine_of(self._url, FIELD, busy_timeout_s)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _on_sqlite_connect)
            event.listen(self.engine, "begin", _on_sqlite_begin)
        self.writes = 0
        """Transactions of this process that are durable: a cheap sign that there may be something new."""
        self.highest_event_id = 0
        """No event gets this id or one below it: this process has told of it, or somebody else has."""
        self._highest = threading.Lock()
        self._create()

    @staticmethod
    def at(path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
        """The SQLite database in the file ``path``; it is created when missing."""
        return Database(URL.create("sqlite", database=str(path)).render_as_string(), busy_timeout_s=busy_timeout_s)

    @property
    def is_sqlite(self) -> bool:
        """The database is a file of SQLite's."""
        return self.engine.dialect.name == "sqlite"

    @property
    def path(self) -> Path | None:
        """The file, when it is SQLite's."""
        return Path(str(self._url.database)) if self.is_sqlite else None

    @property
    def files(self) -> tuple[Path, ...]:
        """SQLite's file, and those that it keeps beside it: write-ahead log, shared memory, journal."""
        return () if self.path is None else tuple(sorted(self.path.parent.glob(f"{self.path.name}*")))

    def tables(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Of a database on a server, whose files lie elsewhere: of each table the bytes of every field of every row.

        Tables that somebody else made there are among them.
        """
        found = MetaData()
        if not self.is_sqlite:
            with self.guarded("list its tables"):
                found.reflect(self.engine)
        for table in found.sorted_tables:
            yield f"table {table.name}", self._fields(table)

    def _fields(self, table: Table) -> Iterator[bytes]:
        with self.reading("search its tables") as connection:
            for row in connection.execute(select(table)):
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()

    @contextmanager
    def writing(self, action: str) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and never happened when it raises.

        Writers take turns (SQLite: BEGIN IMMEDIATE; servers: a lock on the row of ``state``), so that an
        event with a smaller id is never seen after one with a larger id.
        """
        with self._transaction(action) as connection:
            connection.execute(select(tables.state.c.id).with_for_update()).one()
            yield connection
        self.writes += 1

    @contextmanager
    def reading(self, action: str) -> Iterator[Connection]:
        """A consistent view."""
        with self.guarded(action), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def guarded(self, action: str) -> Iterator[None]:
        """Turn the library's errors into a StoreError of ours: no statement, no values, no password."""
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(
                f"the alert database could not {action}",
                got=f"{fault_of(error)} at {self.shown_url}",
                next_step="check that the database is reachable and its disk has room, then send the same again",
            ) from None

    def saw(self, event_id: int) -> None:
        """There is an event of this id, or there was one before the database went back to an earlier state."""
        with self._highest:
            self.highest_event_id = max(self.highest_event_id, event_id)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def _create(self) -> None:
        if self.path is not None:
            _private_file(self.path)
        try:
            self._create_once()
        except StoreError:
            # Another process may have created the same tables between our look and our attempt.
            self._create_once()
        with self.reading("be opened") as connection:
            found = connection.execute(select(tables.state.c.schema_version)).scalar_one()
        if found in tables.UPGRADES:
            found = self._upgrade()
        if found != tables.SCHEMA_VERSION:
            raise StoreError(
                f"the alert database was made by {'a newer' if found > tables.SCHEMA_VERSION else 'another'} version",
                got=f"schema {found} at {self.shown_url}",
                allowed=f"schema {tables.SCHEMA_VERSION}",
                next_step="use the version that made it, or give the site another database_url",
            )

    def _upgrade(self) -> int:
        """Bring an older database to this version, in one transaction; the version that it has then."""
        with self.writing("be brought to this version") as connection:
            found: int = connection.execute(select(tables.state.c.schema_version)).scalar_one()
            while found in tables.UPGRADES:
                for statement in tables.UPGRADES[found]:
                    connection.execute(text(statement))
                found += 1
            connection.execute(update(tables.state).values(schema_version=found))
        return found

    def _create_once(self) -> None:
        with self._transaction("create its tables") as connection:
            tables.metadata.create_all(connection)
            if connection.execute(select(tables.state.c.id)).first() is None:
                row = {"id": 1, "schema_version": tables.SCHEMA_VERSION, "desk_id": secrets.token_hex(8)}
                connection.execute(insert(tables.state).values(row))

    @contextmanager
    def _transaction(self, action: str) -> Iterator[Connection]:
        with (
            self.guarded(action),
            self.engine.connect() as connection,
            connection.execution_options(lfr_write=True, lfr_database=self).begin(),
        ):
            yield connection


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    # Transactions are begun by us: the driver would begin them late and without the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}").fetchall()
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("lfr_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _private_file(path: Path) -> None:
    """Create the file for its owner only; SQLite gives its log the same rights."""
    try:
        own_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            "the file of the alert database cannot be created",
            got=f"{path}: {error.strerror}",
            next_step="check data_dir: it must be a folder that this user may write to",
        ) from None
