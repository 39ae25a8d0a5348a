"""Searching every byte of the storage for content that was destroyed."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfr_ray.govern.fingerprints import DIGEST_BYTES, WINDOW_BYTES, Bytes, Fingerprints, Powers, Rolling, ScanKey

BLOCK_BYTES = 1 << 18
"""Hashed at once: four tables of this length fit the second-level cache."""
LEAST_TABLE_BITS = 16
MOST_TABLE_BITS = 24

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (it is searched, and nothing is written there)
"""Files of this user alone are searched there."""

Progress = Callable[[int], None]
Table = tuple[str, Iterable[bytes]]
"""A table of a database that is no file here: its name, and the bytes of its fields."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Destroyed content that is still there."""

    label: str
    item: int
    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan looked at and found.

    Attributes:
        files: Files and tables read to their end.
        size_bytes: Their bytes.
        findings: One for each destroyed item and file, at its first place in that file.
        unreadable: Files that could not be read: nothing is proved of them.
    """

    files: int
    size_bytes: int
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Every file was read and no destroyed content found."""
        return not self.findings and not self.unreadable

    def items_found(self, label: str) -> int:
        """Distinct items of one label that are there."""
        return len({one.item for one in self.findings if one.label == label})


class Scanner:
    """Looks for windows of destroyed content at every offset.

    Args:
        key: The site's secret.
        wanted: Fingerprints by label, the deployment that they were destroyed with.
        present: Content that is lawfully there now, such as a person listed again: no finding.
    """

    def __init__(self, key: ScanKey, wanted: Mapping[str, Fingerprints], present: Fingerprints | None = None) -> None:
        self._key = key
        self._powers = Powers.of(key, BLOCK_BYTES + WINDOW_BYTES)
        again = {bytes(row["digest"]) for row in present.windows} if present is not None else set()
        self._owners: dict[bytes, list[tuple[str, int]]] = {}
        rolling = []
        for label, prints in wanted.items():
            rolling.append(prints.windows["rolling"])
            digests = prints.windows["digest"].tobytes()
            for place, item in enumerate(prints.windows["item"].tolist()):
                digest = digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]
                if digest not in again:
                    self._owners.setdefault(digest, []).append((label, item))
        self._hashes: Rolling = np.unique(np.concatenate([np.zeros(0, np.uint32), *rolling]))
        bits = min(MOST_TABLE_BITS, max(LEAST_TABLE_BITS, (32 * max(1, len(self._hashes))).bit_length()))
        self._shift = np.uint32(32 - bits)
        self._table: npt.NDArray[np.bool_] = np.zeros(1 << bits, np.bool_)
        self._table[self._hashes >> self._shift] = True

    def scan(
        self, roots: Iterable[Path], tables: Iterable[Table] = (), *, progress: Progress | None = None
    ) -> ScanReport:
        """Read every file below the roots, and every table.

        Args:
            roots: Folders and files. Links are not followed; sockets, pipes and devices have no content of their own.
            tables: What lies in a database elsewhere.
            progress: Told how many bytes were read since the last call.
        """
        files = size_bytes = 0
        findings: list[Finding] = []
        unreadable: list[str] = []
        for path in _files(roots):
            try:
                with path.open("rb", buffering=0) as stream:
                    read, found = self._scan_stream(str(path), stream, progress)
            except FileNotFoundError:
                continue
            except OSError:
                unreadable.append(str(path))
                continue
            files += 1
            size_bytes += read
            findings += found
        for name, rows in tables:
            read, found = self._scan_stream(name, io.BytesIO(b"\n".join(rows)), progress)
            files += 1
            size_bytes += read
            findings += found
        return ScanReport(files, size_bytes, tuple(findings), tuple(unreadable))

    def _scan_stream(
        self, name: str, stream: io.FileIO | io.BytesIO, progress: Progress | None
    ) -> tuple[int, list[Finding]]:
        found: dict[tuple[str, int], int] = {}
        size_bytes = 0
        buffer: Bytes = np.empty(BLOCK_BYTES + WINDOW_BYTES, np.uint8)
        kept = 0
        while True:
            read = stream.readinto(buffer.data[kept : kept + BLOCK_BYTES])
            if not read:
                break
            block = buffer[: kept + read]
            for offset, owner in self._hits(block):
                found.setdefault(owner, size_bytes - kept + offset)
            size_bytes += read
            if progress is not None:
                progress(read)
            kept = min(WINDOW_BYTES - 1, len(block))
            buffer[:kept] = block[len(block) - kept :].copy()
        return size_bytes, [Finding(label, item, name, offset) for (label, item), offset in found.items()]

    def _hits(self, block: Bytes) -> Iterator[tuple[int, tuple[str, int]]]:
        hashes = self._key.rolling(block, self._powers)
        likely = np.flatnonzero(self._table[hashes >> self._shift])
        if not len(likely):
            return
        values = hashes[likely]
        places = np.minimum(np.searchsorted(self._hashes, values), len(self._hashes) - 1)
        for offset in likely[self._hashes[places] == values].tolist():
            window: Any = block[offset : offset + WINDOW_BYTES]
            owners = self._owners.get(self._key.digest(window.tobytes())[:DIGEST_BYTES], ())
            for owner in owners:
                yield offset, owner


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    """Regular files below the roots, each once, in order."""
    seen: set[tuple[int, int]] = set()
    for root in roots:
        for path in _below(root):
            try:
                state = path.lstat()
            except OSError:
                continue
            identity = (state.st_dev, state.st_ino)
            if root == SHARED_MEMORY and state.st_uid != os.geteuid():
                continue
            if stat.S_ISREG(state.st_mode) and identity not in seen:
                seen.add(identity)
                yield path


def _below(root: Path) -> Iterator[Path]:
    if not root.is_dir() or root.is_symlink():
        yield root
        return
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted(names):
            yield Path(folder) / name
