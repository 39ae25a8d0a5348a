"""Whatever is the first to need a data folder makes it its owner's alone: a live site refuses any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.actors.caller_secret import capability_of
from lfr_ray.alert.open_database import Database
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import write_durable
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.match.watchlist_store import WatchlistStore
from tests.integration.match.conftest import image


@pytest.mark.parametrize(
    "first",
    [
        lambda data: WatchlistStore(data.watchlist).put([image(1)]),
        lambda data: open_ledger(data).__enter__().close(),
        lambda data: Database.at(data.alert_database),
        lambda data: capability_of(data),
        lambda data: write_durable(data.upload("pier"), b"a video"),
    ],
    ids=["list", "ledger", "desk", "capability", "file"],
)
def test_a_new_data_folder_is_its_owners_alone(first: Callable[[DataDir], object], tmp_path: Path) -> None:
    data = DataDir(tmp_path / "force" / "data")
    first(data)
    assert data.root.parent.stat().st_mode & 0o777 == 0o700
    assert data.root.stat().st_mode & 0o777 == 0o700
