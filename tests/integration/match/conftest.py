"""Entries with pictures that a search of the disk can recognise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore

MODEL = "m1"
LENGTH = 128

MakeImage = Callable[..., EnrolledImage]


def unit(seed: int, length: int = LENGTH) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def image(number: int, picture: int = 0, size_bytes: int = 3000, **changes: object) -> EnrolledImage:
    """Picture ``picture`` of entry ``number``, always the same for the same numbers."""
    seed = 1000 * number + picture
    known: dict[str, object] = {
        "entry_id": f"e{number:04}",
        "name": f"Firstname{number:04} Lastname",
        "category": "suspect",
        "legal_basis": "s. 1 Act",
        "image_source": "custody",
        "authorised_by": "Insp. Gray",
        "expires_at": 2e9,
        "action": "stop",
    }
    row = {name: changes.pop(name) for name in list(changes) if name in EnrolledImage.__dataclass_fields__}
    entry = Entry(**(known | changes))  # type: ignore[arg-type]
    fields: dict[str, object] = {
        "entry": entry,
        "file_sha256": f"{seed:064x}",
        "model": MODEL,
        "vector": unit(seed),
        "quality": 0.5 + picture / 10,
        "size_px": 100.0,
        "jpeg": b"\xff\xd8JPEG%06d-" % seed + np.random.default_rng(seed).bytes(size_bytes),
        "imported_by": "importer",
        "imported_at": 1.7e9,
    }
    return EnrolledImage(**(fields | row))  # type: ignore[arg-type]


@pytest.fixture
def make_image() -> MakeImage:
    """See :func:`image`."""
    return image


@pytest.fixture
def store(tmp_path: Path) -> WatchlistStore:
    """An empty store in a folder that does not exist yet."""
    return WatchlistStore(tmp_path / "watchlist")


@pytest.fixture
def found_in() -> Callable[[Path, bytes], list[str]]:
    """Names of the files below a folder that hold these bytes."""

    def search(folder: Path, needle: bytes) -> list[str]:
        return [path.name for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]

    return search
