"""A second person's approval: it freezes the list, because it names the hash of its content."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from lfr_ray.errors import IntegrityError, StoreError
from lfr_ray.match.shred import sync_folder


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved which content, and when.

    Attributes:
        approved_at: Wall time, seconds since 1970 UTC.
        content_hash: Hash of the list as it was approved.
    """

    approved_by: str
    approved_at: float
    content_hash: str


def read_approval(path: Path) -> Approval | None:
    """The approval in a file; None when there is none.

    Raises:
        IntegrityError: The file is damaged.
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return Approval(str(known["approved_by"]), float(known["approved_at"]), str(known["content_hash"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityError(
            "the watchlist's approval cannot be read",
            got=path.name,
            next_step="have the list approved again: `lfr watchlist approve`",
        ) from None


def write_approval(path: Path, approval: Approval) -> None:
    """Write an approval so that a crash leaves the old one or the new one.

    Raises:
        StoreError: It cannot be written.
    """
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(asdict(approval), stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            "the approval cannot be written",
            got=f"{path.name}: {error.strerror}",
            next_step="check that the data folder is writable and the disk is not full",
        ) from None
