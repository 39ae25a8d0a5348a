"""Painted pictures, and what finds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Picture
from tests.painted import FixedDetector, PaintEmbedder, painted


@pytest.fixture
def detector() -> FixedDetector:
    return FixedDetector()


@pytest.fixture
def embedder() -> PaintEmbedder:
    return PaintEmbedder()


@pytest.fixture
def paint() -> Callable[..., Picture]:
    return painted


@pytest.fixture
def store(tmp_path: Path) -> WatchlistStore:
    return WatchlistStore(tmp_path / "data" / "watchlist")


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Path]:
    """Writes a watchlist folder: entry id to pictures or bytes by name."""

    def write(entries: dict[str, dict[str, Picture | bytes]], register: str = "", name: str = "list") -> Path:
        folder = tmp_path / name
        for entry_id, files in entries.items():
            (folder / entry_id).mkdir(parents=True, exist_ok=True)
            for file, content in files.items():
                data = content if isinstance(content, bytes) else encode_jpeg(content, 95)
                (folder / entry_id / file).write_bytes(data)
        if register:
            (folder / "watchlist.csv").write_text(register)
        return folder

    return write
