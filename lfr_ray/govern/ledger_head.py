"""The signed head of the ledger: how many records there are and the hash of the last one.

Without it, a ledger whose last lines were cut off would still be a perfect chain. The head lies in
a file of its own, two slots of one disk sector that are written in turn, so that a power cut in
the middle of a write leaves the slot before it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lfr_ray.durable_files import sync_folder, write_all
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.ledger_event import CLOCK_ACCEPTED, FIRST_PREVIOUS
from lfr_ray.govern.signing_keys import PublicKey, Signature, SigningKey, signature_fault

PURPOSE = "ledger head"
SLOT_BYTES = 512
SLOTS = 2


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger ends.

    Attributes:
        count: Records.
        sha256: Hash of the last record.
        size_bytes: Length of the ledger file.
        latest_at: Latest wall time recorded since the clock was last accepted.
        accepted: How often the clock was accepted as it is, after it had been set back.
    """

    count: int = 0
    sha256: str = FIRST_PREVIOUS
    size_bytes: int = 0
    latest_at: float = 0.0
    accepted: int = 0

    def content(self) -> dict[str, Any]:
        """Plain values: what is signed."""
        return asdict(self)

    def text(self) -> str:
        """For people and receipts: ``count:hash``."""
        return f"{self.count}:{self.sha256}"


class HeadFile:
    """Reads and writes the two slots; without the site's key it reads only."""

    def __init__(self, path: Path, key: SigningKey | None = None) -> None:
        self._path = path
        self._key = key
        self._descriptor = -1
        self._data = b""
        self._newest: tuple[Head | None, int, str] = (None, 0, "")

    def create(self, head: Head, at: float) -> None:
        """Make the file with its full length, so that later writes need no new space."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            write_all(descriptor, (b" " * (SLOT_BYTES - 1) + b"\n") * SLOTS)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self._path.parent)
        self.write(head, at)

    def write(self, head: Head, at: float) -> None:
        """Sign the head and write it durably over the older slot."""
        if self._key is None:
            raise AssertionError("the head was opened for reading")
        signature = self._key.sign(PURPOSE, head.content(), at)
        text = canonical_json({**head.content(), "signature": signature.model_dump(mode="json")})
        if len(text) >= SLOT_BYTES:
            raise AssertionError("a head must fit its slot")
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR)
        slot = (self._newest[1] + 1) % SLOTS
        os.pwrite(self._descriptor, text.ljust(SLOT_BYTES - 1) + b"\n", slot * SLOT_BYTES)
        os.fdatasync(self._descriptor)
        self._data = os.pread(self._descriptor, SLOT_BYTES * SLOTS, 0)
        self._newest = (head, slot, "")

    def read(self, trusted: Mapping[str, PublicKey]) -> tuple[Head | None, str]:
        """The newest head that is whole and signed by the site.

        Returns:
            The head, or None, and why a slot was not believed (empty when every written slot holds).
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None, "the ledger's head file is missing"
        except OSError as error:
            return None, f"the ledger's head file cannot be read: {error.strerror}"
        if data != self._data:
            self._newest = _newest(data, trusted)
            self._data = data
        return self._newest[0], self._newest[2]

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def _newest(data: bytes, trusted: Mapping[str, PublicKey]) -> tuple[Head | None, int, str]:
    """The head with the most records, its slot, and why another slot was not believed."""
    found: list[tuple[Head, int]] = []
    doubts = []
    for slot in range(SLOTS):
        text = data[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES].strip()
        if not text:
            continue
        head, doubt = _parse(text, trusted)
        if head is None:
            doubts.append(doubt)
        else:
            found.append((head, slot))
    if not found:
        return None, 0, doubts[0] if doubts else "the ledger's head file is empty"
    head, slot = max(found, key=lambda item: item[0].count)
    return head, slot, "; ".join(doubts)


def _parse(slot: bytes, trusted: Mapping[str, PublicKey]) -> tuple[Head | None, str]:
    try:
        content = json.loads(slot)
        signature = Signature.model_validate(content.pop("signature"))
        head = Head(**content)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None, "a slot of the ledger's head is damaged"
    fault = signature_fault(PURPOSE, head.content(), signature, trusted, "site")
    return (None, f"the ledger's head does not hold: {fault}") if fault else (head, "")


def clock_after(accepted: int, latest_at: float, what: str, at: float) -> tuple[int, float]:
    """A head's ``accepted`` and ``latest_at`` once a record of this kind and wall time has come."""
    return (accepted + 1, at) if what == CLOCK_ACCEPTED else (accepted, max(latest_at, at))
