"""Searching every byte of the storage for content that was destroyed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfr_ray.govern.erasure_fingerprints import DIGEST_BYTES, WINDOW_BYTES, Bytes, Fingerprints, Rolling, ScanKey

BLOCK_BYTES = 1 << 18
"""Hashed at once: four tables of this length fit the second-level cache."""
LEAST_TABLE_BITS = 16
MOST_TABLE_BITS = 24

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (it is searched, and nothing is written there)
"""Files of this user alone are searched there, also without a name: Ray's object store."""
PROCESSES, OPEN_FILES, STATE = Path("/proc"), "[0-9]*/fd/*", "stat"

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

    def __add__(self, other: ScanReport) -> ScanReport:
        return ScanReport(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def items_found(self, label: str) -> int:
        """Distinct items of one label that are there."""
        return len({one.item for one in self.findings if one.label == label})


Elsewhere = Callable[["Scanner"], tuple[Sequence[ScanReport], Sequence[str]]]
"""Searches other machines: what each found, and in words what was not searched."""


class Scanner:
    """Looks for windows of destroyed content at every offset.

    ``wanted`` are fingerprints by label, the deployment that they were destroyed with. What is lawfully there now
    (``present``), such as a person listed again, is no finding.
    """

    def __init__(self, key: ScanKey, wanted: Mapping[str, Fingerprints], present: Fingerprints | None = None) -> None:
        self._key = key
        self._powers = key.powers(BLOCK_BYTES + WINDOW_BYTES)
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
        """Read every file below the roots, and every table of a database elsewhere.

        Links are not followed; sockets, pipes and devices have no content of their own. ``progress`` is told how many
        bytes were read since the last call.
        """
        report = ScanReport(0, 0)
        for path in _files(tuple(roots)):
            try:
                with path.open("rb", buffering=0) as stream:
                    report += self._scan_stream(str(path), stream, progress)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError:
                report += ScanReport(0, 0, unreadable=(str(path),))
        for name, rows in tables:
            report += self._scan_stream(name, io.BytesIO(b"\n".join(rows)), progress)
        return report

    def _scan_stream(self, name: str, stream: io.FileIO | io.BytesIO, progress: Progress | None) -> ScanReport:
        found: dict[tuple[str, int], int] = {}
        size_bytes = 0
        buffer: Bytes = np.empty(BLOCK_BYTES + WINDOW_BYTES, np.uint8)
        kept = 0
        while True:
            if PROCESSES in Path(name).parents and not _at_data(stream):
                break
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
        findings = (Finding(label, item, name, offset) for (label, item), offset in found.items())
        return ScanReport(1, size_bytes, tuple(findings))

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


def _files(roots: Sequence[Path]) -> Iterator[Path]:
    """Regular files below the roots, each once, in order."""
    seen: set[tuple[int, int]] = set()
    for root in roots:
        for path in (*_without_name(roots), *_below(root)) if root == SHARED_MEMORY else _below(root):
            try:
                state = path.stat() if PROCESSES in path.parents else path.lstat()
            except OSError:
                continue
            identity = (state.st_dev, state.st_ino)
            if root == SHARED_MEMORY and state.st_uid != os.geteuid():
                continue
            if stat.S_ISREG(state.st_mode) and identity not in seen:
                seen.add(identity)
                yield path


def _at_data(stream: io.FileIO | io.BytesIO) -> bool:
    """Go on to where something was written: the object store is mostly holes."""
    try:
        stream.seek(os.lseek(stream.fileno(), stream.tell(), os.SEEK_DATA))
    except OSError as error:
        return error.errno != errno.ENXIO  # nothing more; or it has no holes
    return True


def _without_name(roots: Sequence[Path]) -> Iterator[Path]:
    """What has no name any more in shared memory, and is open in a process that works on these roots or began one.

    A worker of Ray, which this process may be, is begun by the process that holds the object store.
    """
    places = tuple(f"{root.resolve()}/" for root in roots if root != SHARED_MEMORY)
    open_there, users = [], {PROCESSES / str(os.getppid())}
    for link in PROCESSES.glob(OPEN_FILES):
        with contextlib.suppress(OSError):  # another user's, or over
            target, process = os.readlink(link), link.parent.parent
            if target.startswith(f"{SHARED_MEMORY}/") and target.endswith(" (deleted)"):
                open_there.append(link)
            elif target.startswith(places) and process not in users:
                parent = process.joinpath(STATE).read_text().rpartition(")")[2].split()[1]
                users |= {process, PROCESSES / parent}
    yield from (link for link in open_there if link.parent.parent in users)


def _below(root: Path) -> Iterator[Path]:
    if not root.is_dir() or root.is_symlink():
        yield root
        return
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted(names):
            yield Path(folder) / name
