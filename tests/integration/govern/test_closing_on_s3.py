"""A deployment whose list lies in a bucket: destroyed with every version, and a receipt that says what it proves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.s3_bucket import Bucket
from tests.integration.govern.station import Station, picture
from tests.object_storage import object_storage


def test_closing_destroys_the_list_in_a_bucket(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    with object_storage(monkeypatch, versioned=True) as storage:
        bucket = Bucket("s3://lists/pier")
        station.watchlist = WatchlistStore(bucket)
        station.storage = replace(station.storage, watchlist=station.watchlist)
        station.fill(8)
        station.alert(1)
        assert storage.holds(picture(7)[500:560])
        receipt = station.close().receipt
        watchlist, alerts = receipt.parts
        assert (watchlist.items, watchlist.counts["entries"]) == (16, 8)
        assert watchlist.found_before == 16, "the search must see what it is to miss afterwards"
        assert watchlist.counts["files"] > 0
        assert (alerts.items, alerts.found_before) == (4, 4)
        assert "s3://lists/pier" in receipt.notes[0]
        assert storage.names() == {"pier/lock"}
        assert station.watchlist.entries() == ()
        found = station.verify()
        assert found.holds, found.faults
        bucket.write("copy.bin", picture(7))
        bucket.write("copy.bin", b"nothing", over=None)
        assert any("is in copy.bin" in one for one in station.verify().faults), "an older version counts"
