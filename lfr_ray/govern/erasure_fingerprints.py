"""What is kept of destroyed content, so that storage can be searched for it and nothing can be made of it.

Of every destroyed picture or vector some windows of 64 bytes are remembered by two keyed hashes: a
rolling one that can be computed at every offset of a file at once, and an HMAC that confirms. The
key never leaves the site, so that a receipt which is published tells nobody whose picture was listed.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import disk_error, exclusive, read_json, write_durable
from lfr_ray.errors import IntegrityError, NotFoundError
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.strict_yaml import Section, parse_section

WINDOW_BYTES = 64
STRIDE_BYTES = 2048
"""At most so far apart, so that every whole page of a database holds a window, whichever page is left."""
LEAST_WINDOWS = 4
MOST_WINDOWS = 32
LEAST_DISTINCT = 24
"""Distinct bytes of a window: padding, tables and flat areas would be found in any file."""
DIGEST_BYTES = 16

WINDOW = np.dtype([("rolling", "<u4"), ("item", "<u4"), ("digest", f"V{DIGEST_BYTES}")])
Windows = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]
Rolling = npt.NDArray[np.uint32]
Powers = tuple[Rolling, Rolling]


class ScanKey(Section):
    """The secret under which destroyed content is remembered.

    Attributes:
        multiplier: Of the rolling hash; 3 or 5 modulo 8, for the longest period.
        secret: Of the confirming hash.
    """

    multiplier: int = Field(gt=2**24, lt=2**32, repr=False)
    secret: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)

    @staticmethod
    def create() -> ScanKey:
        """A new secret."""
        return ScanKey(multiplier=(secrets.randbelow(2**31) + 2**30) // 8 * 8 + 5, secret=secrets.token_hex(32))

    def digest(self, content: bytes) -> bytes:
        """Keyed hash of content."""
        return hmac.digest(bytes.fromhex(self.secret), content, hashlib.sha256)

    def powers(self, size_bytes: int) -> Powers:
        """Powers of the multiplier and of its inverse modulo 2^32, for blocks of up to so many bytes."""
        return _powers(self.multiplier, size_bytes), _powers(pow(self.multiplier, -1, 2**32), size_bytes)

    def rolling(self, data: Bytes, powers: Powers) -> Rolling:
        """Rolling hash of every window of ``data``, one for each offset."""
        count = len(data) - WINDOW_BYTES + 1
        if count <= 0:
            return np.zeros(0, np.uint32)
        sums = np.empty(len(data) + 1, np.uint32)
        sums[0] = 0
        np.multiply(data, powers[0][: len(data)], out=sums[1:], dtype=np.uint32, casting="unsafe")
        np.cumsum(sums, out=sums)
        hashes = sums[WINDOW_BYTES:] - sums[:count]
        hashes *= powers[1][:count]
        return hashes


def _powers(base: int, count: int) -> Rolling:
    table = np.full(count, base, np.uint32)
    table[0] = 1
    return np.cumprod(table, dtype=np.uint32)


@dataclass(frozen=True)
class Fingerprints:
    """Windows of destroyed content.

    Attributes:
        windows: Structured rows: rolling hash, number of the item, confirming hash.
        digests: ``uint8 (items, 32)``, the keyed hash of each item as a whole.
        unseen: Of the items, those too short or too uniform to be looked for.
    """

    windows: Windows = field(repr=False)
    digests: Bytes = field(repr=False)
    unseen: int = 0

    @property
    def items(self) -> int:
        """Items that were taken in."""
        return len(self.digests)

    def named(self) -> list[str]:
        """What a receipt calls the items: who lacks the key cannot test a guess."""
        return [row.tobytes().hex() for row in self.digests]

    def save(self, path: Path) -> None:
        """Write durably; only the site's own user can read it."""
        buffer = io.BytesIO()
        np.savez(buffer, windows=self.windows, digests=self.digests, unseen=np.int64(self.unseen))
        write_durable(path, buffer.getvalue(), 0o600)

    @staticmethod
    def load(path: Path) -> Fingerprints:
        """Read fingerprints back.

        Raises:
            NotFoundError: There is no such file.
            IntegrityError: It is damaged.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                windows, digests, unseen = arrays["windows"], arrays["digests"], int(arrays["unseen"])
        except FileNotFoundError:
            raise NotFoundError("the fingerprints of destroyed content are missing", got=path.name) from None
        except OSError as error:
            raise disk_error("the fingerprints of destroyed content cannot be read", path, error) from None
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            raise _damaged(path) from None
        if windows.dtype != WINDOW or digests.dtype != np.uint8 or digests.shape[1:] != (32,):
            raise _damaged(path)
        return Fingerprints(windows, digests, unseen)


def _damaged(path: Path) -> IntegrityError:
    return IntegrityError(
        "the fingerprints of destroyed content are damaged",
        got=path.name,
        next_step="restore the file: without it nobody can check that the content is gone",
    )


def fingerprints_of(key: ScanKey, items: Iterable[bytes]) -> Fingerprints:
    """Fingerprints of pictures and vectors that are about to be destroyed, as their bytes stand in storage."""
    found: list[tuple[int, bytes]] = []
    named: list[bytes] = []
    unseen = 0
    for item in items:
        windows = _windows(item)
        unseen += not windows
        found += [(len(named), window) for window in windows]
        named.append(key.digest(item))
    rows = np.zeros(len(found), WINDOW)
    if found:
        joined = np.frombuffer(b"".join(window for _, window in found), np.uint8).reshape(-1, WINDOW_BYTES)
        rows["rolling"] = (joined * key.powers(WINDOW_BYTES)[0]).sum(axis=1, dtype=np.uint32)
        rows["item"] = [item for item, _ in found]
        digests = b"".join(key.digest(window)[:DIGEST_BYTES] for _, window in found)
        rows["digest"] = np.frombuffer(digests, f"V{DIGEST_BYTES}")
    return Fingerprints(rows, np.frombuffer(b"".join(named), np.uint8).reshape(-1, 32), unseen)


def _windows(item: bytes) -> list[bytes]:
    """Telling windows of an item, spread over it; beginning after the tables that many JPEGs share."""
    start = _entropy_start(item)
    room = len(item) - start
    if room < WINDOW_BYTES:
        start, room = 0, len(item)
    if room < WINDOW_BYTES:
        return []
    count = min(MOST_WINDOWS, max(LEAST_WINDOWS, -(-room // STRIDE_BYTES)), room // WINDOW_BYTES)
    step = room // count
    found = []
    for part in range(count):
        first = start + part * step
        last = min(first + step, len(item)) - WINDOW_BYTES
        for offset in range(first, last + 1, WINDOW_BYTES):
            window = item[offset : offset + WINDOW_BYTES]
            if len(set(window)) >= LEAST_DISTINCT:
                found.append(window)
                break
    return found


def _entropy_start(item: bytes) -> int:
    """Where a JPEG's own pixels begin; 0 for anything else."""
    if item[:2] != b"\xff\xd8":
        return 0
    scan = item.find(b"\xff\xda")
    return scan + 14 if scan >= 0 else 0


def scan_key(data_dir: DataDir) -> ScanKey:
    """The site's secret for scanning, made at the first use."""
    path = data_dir.scan_key
    with exclusive(data_dir.keys_lock, "making the scan key", wait=True):
        if not path.exists():
            write_durable(path, canonical_json(ScanKey.create().model_dump()) + b"\n", 0o600)
    return parse_section(ScanKey, read_json(path, "the scan key"), "the scan key")
