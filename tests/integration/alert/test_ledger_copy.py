"""The ledger's copy on a real server: the data folder is lost, and a new head goes on from there."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from lfr_ray.alert.open_database import Database
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, IntegrityError, StoreError
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.emergency_stop import Halts, emergency_stop
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_has_copy import bring_up
from lfr_ray.govern.ledger_verify import Verdict, read_records, verify_ledger
from tests.integration.alert.conftest import PostgresServer
from tests.integration.govern.conftest import Site
from tests.integration.govern.scene import HERE, Scene
from tests.processes import eventually
from tests.trust_tree import TrustTree


@pytest.fixture
def copied(clean_postgres_url: str, tmp_path: Path) -> Iterator[Site]:
    run(clean_postgres_url, "DROP TABLE IF EXISTS ledger_lines, ledger_files")
    site = Site(tmp_path / "site")
    bring_up(site.files, clean_postgres_url)
    yield site
    for ledger in site.opened:
        ledger.close()


def run(url: str, *statements: str) -> None:
    database = Database(url)
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.close()


def event(number: int) -> Event:
    return Event("incident", f"thing {number}")


def head_lost(site: Site, *, keys: bool = True) -> Site:
    """The machine is gone; on another one there is nothing but what whoever made it brought."""
    for ledger in list(site.opened):
        assert ledger._copy is not None
        ledger._copy.close()
        site.abandon(ledger)
    kept = site.data_dir.with_name("keys")
    shutil.copytree(site.files.keys, kept)
    shutil.rmtree(site.data_dir)
    if keys:
        shutil.copytree(kept, site.files.keys)
    return Site(site.data_dir, site.clock)


def verdict(site: Site) -> Verdict:
    return verify_ledger(site.files, site.trusted)


def test_a_new_head_goes_on_and_its_gate_permits(copied: Site, postgres: PostgresServer, trust_tree: TrustTree) -> None:
    scene = Scene(copied, trust_tree)
    emergency_stop(copied.files).set("op-1", "fire alarm", copied.clock.wall_s())
    scene.ledger.append_many([event(number) for number in range(3)])
    before = list(read_records(copied.files))
    new = head_lost(copied)
    bring_up(new.files, postgres.url)
    assert list(read_records(new.files)) == before
    assert Halts(new.files).refusal(), "a stop that somebody gave outlives the machine"
    emergency_stop(new.files).clear()
    ledger = new.ledger()
    gate = AuthorityGate(
        new.files, "airshow-1", scene.profile, ledger, clock=new.clock, positions=HERE, needed=("live",)
    )
    scene.gate, scene.site = gate, new
    assert scene.ask() == ""
    ledger.append(event(4))
    found = verdict(new)
    assert found.holds, found.faults
    assert any(f"the same {found.records} records" in note for note in found.notes)
    ledger.close()


def test_the_old_head_that_comes_back_is_refused(copied: Site, postgres: PostgresServer) -> None:
    old = copied.ledger()
    old.append_many([event(1), event(2)])
    elsewhere = Site(copied.data_dir.with_name("elsewhere"), copied.clock)
    shutil.copytree(copied.files.keys, elsewhere.files.keys)
    bring_up(elsewhere.files, postgres.url)
    new = elsewhere.ledger()
    new.append(event(3))
    with pytest.raises(IntegrityError, match="another head has taken this site over"):
        old.append(event(4))
    assert "another head" in old.fault(), "so nothing is compared there"
    with pytest.raises(IntegrityError, match="gone on differently"):
        bring_up(copied.files, postgres.url)
    new.append(event(5))
    assert verdict(elsewhere).holds
    new.close()


def test_a_folder_that_is_behind_is_brought_up(copied: Site, postgres: PostgresServer) -> None:
    ledger = copied.ledger()
    ledger.append(event(1))
    ledger.close()
    copied.opened.clear()
    older = copied.data_dir.with_name("older")
    shutil.copytree(copied.data_dir, older)
    with_more = copied.ledger()
    with_more.append(event(2))
    back = Site(older, copied.clock)
    bring_up(back.files, postgres.url)
    assert [one["what"] for one in read_records(back.files)][-1] == "thing 2"
    assert back.path.read_bytes() == copied.path.read_bytes()


def test_a_database_that_goes_away_stops_matching_and_nothing_is_lost_or_doubled(
    copied: Site, postgres: PostgresServer
) -> None:
    ledger = copied.ledger()
    ledger.append(event(1))
    postgres.stop()
    try:
        with pytest.raises(StoreError, match="copy cannot be reached"):
            ledger.append(event(2))
        assert "copy cannot be reached" in ledger.fault()
    finally:
        postgres.start()
    eventually(lambda: not ledger.fault(), 60)  # it is tried again once a second
    ledger.append(event(3))
    assert [one["what"] for one in read_records(copied.files)] == ["thing 1", "thing 2", "thing 3"]
    found = verdict(copied)
    assert found.holds, found.faults
    assert any("the same 3 records" in note for note in found.notes)


def test_what_was_dropped_is_dropped_there_too(copied: Site, postgres: PostgresServer) -> None:
    from lfr_ray.govern.ledger_state import LedgerState
    from lfr_ray.govern.ledger_verify import read_lines

    ledger = copied.ledger()
    ledger.append_many([event(number) for number in range(6)])
    dropped = list(read_lines(copied.files))[:4]
    offset = sum(len(line) for line, _ in dropped)
    records = [record for _, record in dropped]
    ledger.drop(LedgerState(copied.files).checkpoint(records, offset, copied.clock.wall_s() + 1))
    ledger.append(event(7))
    before = copied.path.read_bytes()
    new = head_lost(copied)
    bring_up(new.files, postgres.url)
    assert new.path.read_bytes() == before
    with new.ledger() as ledger:
        ledger.append(event(8))
    assert verdict(new).holds


def test_a_file_that_a_standby_had_in_an_older_state_is_written_again(copied: Site, postgres: PostgresServer) -> None:
    people, ledger = copied.files.people, copied.ledger()
    for content in (b"with a token", b"it was revoked"):
        people.write_bytes(content)
        ledger.append(event(1))
    older = "UPDATE ledger_files SET sha256 = '{}', content = 'with a token' WHERE name = '{}'"
    (name,) = [name for name, path in copied.files.copied_files.items() if path == people]
    run(postgres.url, older.format(hashlib.sha256(b"with a token").hexdigest(), name))
    ledger.append(event(2))  # nothing here has changed since
    new = head_lost(copied)
    bring_up(new.files, postgres.url)
    assert new.files.people.read_bytes() == b"it was revoked"


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE ledger_lines SET line = convert_to(replace(convert_from(line, 'UTF8'), 'thing', 'thong'), 'UTF8') "
         "WHERE n = 2", "record 2 is another one"),
        ("DELETE FROM ledger_lines WHERE n = 2", "record 2 is another one"),
    ],
)  # fmt: skip
def test_verify_reads_both(copied: Site, postgres: PostgresServer, statement: str, fault: str) -> None:
    copied.ledger().append_many([event(1), event(2), event(3)])
    assert verdict(copied).holds
    run(postgres.url, statement)
    found = verdict(copied)
    assert not found.holds
    assert any(fault in one for one in found.faults), found.faults


def test_a_machine_that_ended_while_it_was_brought_up_begins_again(copied: Site, postgres: PostgresServer) -> None:
    copied.ledger().append_many([event(1), event(2)])
    whole = copied.path.read_bytes()
    new = head_lost(copied)
    bring_up(new.files, postgres.url)
    new.path.rename(new.files.ledger_draft)  # the files were there already, the records were not
    new.files.ledger_draft.write_bytes(whole[:40])
    bring_up(new.files, postgres.url)
    assert new.path.read_bytes() == whole
    assert verdict(new).holds


def test_without_the_keys_nothing_is_brought(copied: Site, postgres: PostgresServer) -> None:
    copied.ledger().append(event(1))
    new = head_lost(copied, keys=False)
    with pytest.raises(ConfigError, match="no keys"):
        bring_up(new.files, postgres.url)
    assert not new.files.ledger.exists()


def test_a_hostile_database_writes_nothing_beside_the_sites_files(copied: Site, postgres: PostgresServer) -> None:
    copied.ledger().append(event(1))
    new = head_lost(copied)
    run(postgres.url, "INSERT INTO ledger_files VALUES ('deployments/../keys/site.key', 'x', 'mine')")
    before = new.files.site_key.read_bytes()
    with pytest.raises(IntegrityError, match="none of a site's"):
        bring_up(new.files, postgres.url)
    assert new.files.site_key.read_bytes() == before


def test_a_folder_without_an_address_has_no_copy(tmp_path: Path) -> None:
    files = DataDir(tmp_path / "site")
    bring_up(files, "")
    assert not files.root.exists()


def test_two_processes_write_one_copy(copied: Site, postgres: PostgresServer) -> None:
    one, other = copied.ledger(), copied.ledger()
    for number in range(4):
        (one, other)[number % 2].append(event(number))
    found = verdict(copied)
    assert found.holds, found.faults
    assert found.records == 4
