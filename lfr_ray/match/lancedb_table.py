"""The LanceDB table of enrolled pictures: the only file that knows LanceDB.

What was measured of LanceDB 0.40 and decides how this file is written:

* Every commit is atomic: a crash leaves the old version or the new one, and files that nobody refers to.
* ``delete`` only marks rows. ``optimize`` with an age of zero removes files of older versions, but leaves a data file
  as it is while fewer than a tenth of its rows are marked: the bytes of a removed person would stay.
  So whatever remains is written anew first (an update that changes nothing), and then the old files go.
* Reading from a table while feeding the same table from Python deadlocks; the rewriting is done inside LanceDB.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lfr_ray.errors import StoreError
from lfr_ray.match.watchlist_entries import ENTRY_FIELDS, EnrolledImage, Entry
from lfr_ray.records import REGIONS, Floats
from lfr_ray.s3_bucket import Bucket

NAME = "entries"
FOLDER = f"{NAME}.lance"
BATCH_ROWS = 256
_SLICES = "0123456789abcdef"
"""First signs of picture ids: a sixteenth of the table is written anew at a time, to bound memory."""

_COVERED = {region: f"embedding_{region}" for region in REGIONS}
"""Columns of the vectors with a region painted over; an empty list where there is none."""
_VECTORS = ("embedding", *_COVERED.values())

_PICTURE = ("file_sha256", "model", "quality", "size_px", "imported_by", "imported_at", "jpeg")
"""Fields of a picture that are columns of the same name."""

_KINDS = dict.fromkeys(("expires_at", "image_date", "quality", "size_px", "imported_at"), pa.float64())
_KINDS |= {"priority": pa.int32(), "under_18": pa.bool_()}
"""Kinds of columns that are no text."""
SCHEMA = pa.schema(
    [pa.field("image_id", pa.string(), nullable=False)]
    + [pa.field(name, _KINDS.get(name, pa.string())) for name in (*ENTRY_FIELDS, *_PICTURE[:-1], "digest")]
    # Not named "vector": LanceDB wants one length for such a column, and two models may share the table.
    + [pa.field(name, pa.list_(pa.float32())) for name in _VECTORS]
    + [pa.field("jpeg", pa.large_binary())]
)


class Table:
    """Rows on disk or in a bucket. All methods raise StoreError where they cannot be read or written.

    Args:
        place: The database folder, or a bucket's prefix; it is made with the first row.
    """

    def __init__(self, place: Path | Bucket) -> None:
        self._place = place
        self._connection: Any = None
        self._table: Any = None

    def exists(self) -> bool:
        """Whether anything was ever written."""
        if isinstance(self._place, Bucket):
            return bool(self._place.tags(f"{FOLDER}/_versions/"))
        return (self._place / FOLDER).is_dir()

    def rows(self, columns: Sequence[str], where: str = "") -> Iterator[dict[str, Any]]:
        """The newest version's rows, some at a time."""
        if not self.exists():
            return
        with _translated("read", self._place):
            query = self._open().search().select(list(columns))
            if where:
                query = query.where(where)
            batches = iter(query.to_batches(BATCH_ROWS))
        while True:
            with _translated("read", self._place):
                batch = next(batches, None)
                found = [] if batch is None else _plain_rows(batch)
            if batch is None:
                return
            yield from found

    def put(self, images: Sequence[EnrolledImage]) -> int:
        """Write rows in one commit; a row with a known picture id takes its place. Gives how many were replaced."""
        data = pa.Table.from_pylist([row_of(image) for image in images], schema=SCHEMA)
        with _translated("written", self._place):
            result = (
                self._open(create=True)
                .merge_insert("image_id")
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute(data)
            )
            return int(result.num_updated_rows)

    def delete(self, column: str, values: Sequence[str]) -> None:
        """Take rows with one of these values out of the newest version, in one commit.

        Their bytes stay until :meth:`rewrite` and :meth:`clean`.
        """
        with _translated("written", self._place):
            self._open().delete(f"{column} IN ({', '.join(map(quoted, values))})")

    def rewrite(self) -> None:
        """Write everything that is in force anew, so that no file holds rows of which some are deleted."""
        with _translated("written", self._place):
            table = self._open()
            for first in _SLICES:
                table.update(where=f"starts_with(image_id, '{first}')", values_sql={"model": "model"})

    def clean(self) -> None:
        """Join small files and remove those of older versions."""
        with _translated("written", self._place), warnings.catch_warnings():
            # It warns that readers of older versions would fail; the folder's lock keeps them out.
            warnings.filterwarnings("ignore", message="optimize")
            self._open().optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    def close(self) -> None:
        """Forget the connection, so that nothing is cached of files that are about to go."""
        self._table = self._connection = None

    def _open(self, *, create: bool = False) -> Any:
        if create and self._table is not None and not self.exists():
            self.close()  # another process has destroyed it
        if self._connection is None:
            bucket = self._place if isinstance(self._place, Bucket) else None
            self._connection = _lancedb().connect(
                bucket.address if bucket else str(self._place),
                read_consistency_interval=timedelta(0),
                storage_options=bucket.options if bucket else None,
            )
        if self._table is None:
            if create and not self.exists():
                self._table = self._connection.create_table(NAME, schema=SCHEMA)
            else:
                self._table = self._connection.open_table(NAME)
            missing = sorted(set(SCHEMA.names) - set(self._table.schema.names))
            if missing:
                self.close()
                raise StoreError(
                    "the watchlist table was made by an older version",
                    got=f"{_shown(self._place)}: no {', '.join(missing)}",
                    next_step="move the folder away and import the watchlist again",
                )
        return self._table


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def row_of(image: EnrolledImage) -> dict[str, Any]:
    """The table's row of a picture."""
    row: dict[str, Any] = {name: getattr(image.entry, name) for name in ENTRY_FIELDS}
    row |= {name: getattr(image, name) for name in _PICTURE}
    covered = {column: image.covered.get(region, ()) for region, column in _COVERED.items()}
    return row | covered | {"image_id": image.image_id, "digest": image.digest(), "embedding": image.vector}


def entry_of(row: dict[str, Any]) -> Entry:
    """The entry that a row speaks of."""
    return Entry(**{name: row[name] for name in ENTRY_FIELDS})


def image_of(row: dict[str, Any]) -> EnrolledImage:
    """The picture of a row."""
    kept = {name: row[name] for name in _PICTURE}
    return EnrolledImage(entry=entry_of(row), vector=row["embedding"], covered=covered_of(row), **kept)


def covered_of(row: dict[str, Any]) -> dict[str, Floats]:
    """The vectors of a row with a region painted over, by region."""
    return {region: row[column] for region, column in _COVERED.items() if len(row[column])}


def _plain_rows(batch: Any) -> list[dict[str, Any]]:
    """Rows as mappings; vectors become arrays without a detour over Python's numbers, which takes most of the time."""
    columns = [name for name in _VECTORS if name in batch.schema.names]
    rows: list[dict[str, Any]] = batch.drop_columns(columns).to_pylist()
    for name in columns:
        vectors = batch.column(name)
        ends = np.cumsum(vectors.value_lengths().to_numpy())
        values = np.asarray(vectors.flatten().to_numpy(zero_copy_only=False), np.float32)
        for row, vector in zip(rows, np.split(values, ends[:-1]), strict=True):
            row[name] = vector.copy()
    return rows


@contextmanager
def _translated(done: str, place: Path | Bucket) -> Iterator[None]:
    """LanceDB's errors, and its panics, as ours: their texts may quote data."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, StoreError):
        raise
    except BaseException as error:  # noqa: BLE001
        # A damaged file can make the Rust side panic, and that exception derives from BaseException alone.
        if isinstance(place, Bucket):
            place.tags()  # says so if it is the storage that refuses or does not answer
        where = (
            "the storage (permissions, lost objects)" if isinstance(place, Bucket) else "the disk (space, permissions)"
        )
        raise StoreError(
            f"the watchlist table cannot be {done}",
            got=f"{_shown(place)}: {type(error).__name__}",
            next_step=f"check {where}; if files are damaged, move the folder away and import the watchlist again",
        ) from None


def _shown(place: Path | Bucket) -> str:
    return place.address if isinstance(place, Bucket) else str(place)


def _lancedb() -> Any:
    """LanceDB, loaded when it is first needed, without three fifths of what it loads: a client of catalogues over HTTP.

    Of that client it uses the models alone, so its package stands there without its content.
    """
    client = "lance_namespace_urllib3_client"
    if found := find_spec(client):
        sys.modules.setdefault(client, module_from_spec(found))
    import lancedb

    return lancedb
