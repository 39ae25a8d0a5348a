"""Who was listed: found by nominal id or entry id, and read back as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError, NotFoundError
from lfr_ray.govern.past_watchlists import Listed, Listing, find_listed, read_listing, write_listing

LISTING = Listing({"suspect": 1, "blue-list": 1}, [Listed("N1", "e1", "suspect"), Listed("N2", "e2", "blue-list", "A")])


def test_somebody_is_found_by_either_id(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    write_listing(data, "airshow.1", LISTING)
    write_listing(data, "second", Listing({"suspect": 1}, [Listed("N1", "e7", "suspect")]))
    assert read_listing(data, "airshow.1") == LISTING
    assert data.listing("second").stat().st_mode & 0o077 == 0
    assert find_listed(data, "N1") == [
        {"deployment": "airshow.1", "entry_id": "e1", "category": "suspect"},
        {"deployment": "second", "entry_id": "e7", "category": "suspect"},
    ]
    assert find_listed(data, "e2") == [{"deployment": "airshow.1", "entry_id": "e2", "category": "blue-list"}]
    assert find_listed(data, "N9") == []


def test_a_listing_without_groups_is_read(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.deployments.mkdir()
    row = {"nominal_id": "N1", "entry_id": "e1", "category": "suspect"}
    data.listing("old").write_text(json.dumps({"categories": {"suspect": 1}, "listed": [row]}))
    assert read_listing(data, "old").listed == [Listed("N1", "e1", "suspect", "")]


def test_a_listing_that_is_missing_or_damaged_says_so(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with pytest.raises(NotFoundError, match="the listing does not exist"):
        read_listing(data, "none")
    data.deployments.mkdir()
    for content in ("{", "[]", '{"listed": []}', '{"categories": {}, "listed": [{"surprise": 1}]}'):
        data.listing("bad").write_text(content)
        with pytest.raises(IntegrityError, match="the listing is damaged"):
            read_listing(data, "bad")
