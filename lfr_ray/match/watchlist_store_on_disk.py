"""The folder of the watchlist store: locks of readers and writers, recovery after a crash, destruction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from lfr_ray.data_dir import WatchlistDir
from lfr_ray.durable_files import disk_error, locked, own_folder, sync_folder, write_durable
from lfr_ray.errors import StoreError
from lfr_ray.match.lancedb_table import FOLDER, Table
from lfr_ray.shred_files import link_all, shred, shred_tree, shred_unlinked

ResultT = TypeVar("ResultT")


class StoreFolder:
    """A table's folder and its locks. All methods raise StoreError where it cannot be read or written.

    Args:
        folder: The folder; it is made with the first write.
        table: The table in it.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self._folder = folder
        self._table = table
        self._paths = paths = WatchlistDir(folder)
        self._unfinished, self._superseded = paths.unfinished, paths.superseded

    def read(self, work: Callable[[], ResultT]) -> ResultT:
        """What ``work`` reads, while writers are kept out."""
        if not self._folder.is_dir():
            return work()
        # What cannot be finished now (a full disk) is tried again by the next caller: reading goes on.
        with suppress(StoreError):
            self._recover()
        with locked(self._paths.lock, shared=True):
            if self._paths.destroying.exists():
                raise StoreError(
                    "the watchlist is being destroyed and that could not be finished",
                    got=self._folder,
                    next_step="check that the disk is writable and run the same command again",
                )
            return work()

    def revision(self) -> str:
        """Changes with every commit and approval; costs one look into two folders."""
        try:
            with os.scandir(self._folder / FOLDER / "_versions") as found:
                names = sorted(f"{entry.name}:{entry.stat().st_mtime_ns}" for entry in found)
        except OSError:
            names = []
        with suppress(OSError):
            names.append(str(self._paths.approval.stat().st_mtime_ns))
        return "\n".join(names)

    def read_approval(self) -> bytes | None:
        """The approval's file, or None."""
        try:
            return self._paths.approval.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk_error("the watchlist's approval cannot be read", self._paths.approval, error) from None

    def write_approval(self, data: bytes) -> None:
        """Replace the approval's file so that a crash leaves the old one or the new one."""
        write_durable(self._paths.approval, data)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one here; a crash inside is noticed by whoever comes next."""
        with _as_store_error(self._folder):
            own_folder(self._folder)
        self._recover()
        with locked(self._paths.lock), _as_store_error(self._folder):
            self._unfinished.mkdir(exist_ok=True)
            yield
            self._unfinished.rmdir()

    def note_superseded(self) -> None:
        """Rows were deleted or replaced; :meth:`tidy` has their bytes to destroy. To be called while writing."""
        self._superseded.touch()

    def tidy(self) -> None:
        """Join small files, and destroy every byte that is no longer on the list; to be called while writing.

        Every file gets a second name before LanceDB may remove it, so that its bytes can be overwritten afterwards.
        """
        if self._table.exists():
            if self._superseded.exists():
                self._keep_names()
                self._table.rewrite()
            self._keep_names()
            self._table.clean()
            self._table.close()
            # LanceDB writes under another name first, and does not know them again after a crash.
            for draft in (self._folder / FOLDER).rglob(".tmp*"):
                shred(draft)
        shred_unlinked(self._unfinished)
        self._superseded.unlink(missing_ok=True)

    @contextmanager
    def destroying(self) -> Iterator[list[int]]:
        """Be the only one here, and destroy everything when the block is left without an error.

        Yields:
            An empty list that holds the number of files and of their bytes afterwards.
        """
        done: list[int] = []
        if not self._folder.is_dir():
            yield done
            return
        with locked(self._paths.lock):
            yield done
            with _as_store_error(self._folder):
                done += self._destroy()

    def _recover(self) -> None:
        """Finish what a writer that died has begun."""
        if not self._unfinished.exists() and not self._paths.destroying.exists():
            return
        with locked(self._paths.lock, wait=False) as taken, _as_store_error(self._folder):
            if not taken:
                return
            if self._paths.destroying.exists():
                self._destroy()
            elif self._unfinished.exists():
                # What the writer had half done is unknown: everything is written anew.
                self.note_superseded()
                self.tidy()
                self._unfinished.rmdir()

    def _keep_names(self) -> None:
        self._unfinished.mkdir(exist_ok=True)
        link_all(self._folder / FOLDER, self._unfinished)

    def _destroy(self) -> tuple[int, int]:
        self._paths.destroying.touch()
        sync_folder(self._folder)
        self._table.close()
        files = size_bytes = 0
        for path in sorted(self._folder.iterdir()):
            if path.is_dir():
                inner_files, inner_bytes = shred_tree(path)
                files, size_bytes = files + inner_files, size_bytes + inner_bytes
            elif path not in (self._paths.lock, self._paths.destroying):
                files, size_bytes = files + 1, size_bytes + path.stat().st_size
                shred(path)
        self._paths.destroying.unlink()
        sync_folder(self._folder)
        return files, size_bytes


@contextmanager
def _as_store_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            "the watchlist's folder cannot be written",
            got=f"{folder}: {error.strerror or type(error).__name__}",
            next_step="check that it is writable by this user and the disk is not full",
        ) from None
