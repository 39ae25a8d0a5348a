"""A deployment whose alerts lie on a database server: destroyed there, and the receipt has searched there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from lfr_ray.alert.open_database import Database
from lfr_ray.errors import IntegrityError
from tests.integration.govern.conftest import Site
from tests.integration.govern.station import Station


@pytest.fixture
def station(clean_postgres_url: str, tmp_path: Path) -> Iterator[Station]:
    database, site = Database(clean_postgres_url), Site(tmp_path / "site")
    made = Station(site, database)
    made.fill(8)
    yield made
    for ledger in site.opened:
        ledger.close()
    database.close()


def test_what_is_on_the_server_is_found_and_then_gone(station: Station) -> None:
    station.alert(1)
    receipt = station.close().receipt
    assert "pg_switch_wal" in receipt.notes[0], "what cannot be searched is named, with what to do"
    alerts = receipt.parts[1]
    assert (alerts.items, alerts.found_before) == (4, 4), "the search must see what it is to miss afterwards"
    found = station.verify()
    assert found.holds, found.faults


def test_a_copy_that_somebody_made_there_is_shown(station: Station) -> None:
    station.alert(1)
    engine = station.storage.alerts.database.engine

    def do(statement: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(statement))

    do("CREATE TABLE kept AS SELECT * FROM images")
    try:
        with pytest.raises(IntegrityError, match="table kept"):
            station.close()
        assert any("is in table kept" in one for one in station.verify().faults)
    finally:
        do("DROP TABLE kept")
    station.close()
    assert station.verify().holds
