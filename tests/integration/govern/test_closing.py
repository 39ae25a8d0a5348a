"""A deployment from its list and alerts to its receipt, on the real stores: LanceDB and SQLite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lfr_ray.durable_files import exclusive
from lfr_ray.errors import ConflictError, IntegrityError, NotFoundError, RefusedError
from lfr_ray.govern.alert_ledger_events import last_event_id
from lfr_ray.govern.authority import Officer
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.country_profile import keep_profile, load_profile
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.past_watchlists import find_listed
from lfr_ray.govern.signed_authority import list_grants, load_grant, open_grant, signed
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.govern.trial_deployment import trial_authority
from lfr_ray.site.close_deployment import close_deployment, finish_closings
from lfr_ray.site.open_site import open_waiting
from tests.integration.govern.station import Station, image, picture


def test_closing_destroys_everything_and_proves_it(station: Station) -> None:
    station.fill()
    for number in range(3):
        station.alert(number)
    receipt = station.close()
    watchlist, alerts = receipt.receipt.parts
    assert (watchlist.items, watchlist.found_before, watchlist.found_after) == (40, 40, 0)
    assert watchlist.counts["entries"] == watchlist.counts["images"] == 20
    assert (alerts.items, alerts.found_before) == (12, 12), "the search sees what LanceDB and SQLite hold"
    assert alerts.counts == {"alerts": 3, "images": 12}
    assert receipt.receipt.notes == ()
    assert receipt.receipt.held == 0
    assert station.watchlist.entries() == ()
    found = station.verify()
    assert found.holds, found.faults
    assert found.items == 52
    kinds = [record["kind"] for record in read_records(station.site.files)]
    assert kinds.count("collection") == 3
    assert kinds[-2:] == ["erasure", "seal"]


def test_what_waited_for_approval_is_destroyed_as_well(station: Station) -> None:
    station.fill(2)
    waiting = open_waiting(station.storage.data_dir)
    waiting.put([image(77)])
    assert station.verify().holds
    receipt = station.close().receipt
    assert {part.label: part.counts.get("entries") for part in receipt.parts} == {
        "watchlist": 2,
        "alerts": None,
        "waiting": 1,
    }
    assert waiting.all() == ()
    assert station.verify().holds
    waiting.put([image(77)])  # somebody lists the person again
    assert station.verify().holds


def test_a_late_alert_of_a_closed_deployment_is_refused(station: Station) -> None:
    station.fill()
    station.alert(1)
    station.close()
    with pytest.raises(RefusedError, match="the deployment is closed"):
        station.alert(2)
    assert station.verify().holds


def test_nothing_personal_is_in_what_stays(station: Station) -> None:
    station.fill()
    station.alert(1)
    station.close()
    for path in station.site.data_dir.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Person 1" not in data, path
            assert picture(1)[700:720] not in data, path


def test_who_was_listed_can_still_be_answered(station: Station) -> None:
    station.fill()
    station.close()
    assert find_listed(station.site.files, "N7") == [{"deployment": "d1", "entry_id": "e7", "category": "test"}]
    assert find_listed(station.site.files, "N99") == []


def test_nothing_is_compared_after_the_close(station: Station) -> None:
    station.fill()
    gate = AuthorityGate(station.site.files, "d1", station.profile, station.ledger, clock=station.clock)
    assert gate.refusal("pier", station.clock.wall_s(), "", "dlib_resnet") == ""
    station.close()
    station.clock.advance(0.2)
    assert "was closed" in gate.refusal("pier", station.clock.wall_s(), "", "dlib_resnet")
    path, grant = station.site.files.grant("d1"), load_grant(station.site.files, "d1")
    path.write_bytes(canonical_json(grant.model_copy(update={"closing": None}).model_dump(mode="json")))
    station.clock.advance(0.2)
    assert "was closed" in gate.refusal("pier", station.clock.wall_s(), "", "dlib_resnet"), "the ledger says so"
    assert any("closing was taken away" in fault for fault in station.verify().faults)


def test_a_copy_that_comes_back_is_found(station: Station, tmp_path: Path) -> None:
    station.fill()
    shutil.copytree(station.site.data_dir / "watchlist", tmp_path / "copy")
    station.close()
    assert station.verify().holds
    shutil.copytree(tmp_path / "copy", station.site.data_dir / "forgotten-backup")
    found = station.verify()
    assert not found.holds
    assert len({one.item for one in found.scan.findings}) == 40
    assert "destroyed content of d1.watchlist is in" in found.faults[0]


@pytest.mark.parametrize("place", ["/dev/shm", "lfr-command-of-a-crash"])
def test_a_copy_in_shared_memory_or_of_a_command_is_found(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / place).mkdir(exist_ok=True)
    number = time.time_ns()  # nobody else on this machine looks for it
    station.watchlist.put([image(number)])
    with tempfile.NamedTemporaryFile(dir=tmp_path / place, prefix="lfr-test-") as copy:
        copy.write(picture(number))
        copy.flush()
        with pytest.raises(IntegrityError, match=Path(copy.name).name):
            station.close()
    station.close()


def test_a_copy_of_the_database_is_found(station: Station, tmp_path: Path) -> None:
    station.alert(1)
    for path in station.site.data_dir.glob("desk.sqlite*"):
        shutil.copy(path, tmp_path)
    station.close()
    shutil.copy(tmp_path / "desk.sqlite-wal", station.site.data_dir / "old-wal")
    assert {one.label for one in station.verify().scan.findings} == {"d1.alerts"}


def test_held_alerts_stay_and_are_counted(station: Station) -> None:
    station.fill()
    held = station.alert(1)
    station.alert(2)
    station.desk.hold(held, by="op-1", reason="evidence in case 12")
    receipt = station.close()
    assert receipt.receipt.held == 1
    assert receipt.receipt.parts[1].counts["alerts"] == 1
    assert station.desk.get(held).id == held
    assert station.verify().holds, "the held alert's pictures are lawfully there"


def test_a_person_who_is_listed_again_is_no_finding(station: Station) -> None:
    station.fill()
    station.close()
    station.open("d2")
    station.watchlist.put([image(3)])
    assert station.verify().holds
    station.close("d2")
    assert station.verify().holds


def test_closing_twice_gives_the_same_receipt(station: Station) -> None:
    station.fill(2)
    assert station.close() == station.close()
    with pytest.raises(NotFoundError, match="does not exist"):
        station.close("never")


def test_two_closings_at_once(station: Station) -> None:
    station.fill(2)
    lock = station.site.files.closing_lock
    with exclusive(lock, "x"), pytest.raises(ConflictError, match="a closing on this site is already under way"):
        station.close()
    assert len(station.watchlist.entries()) == 2


def test_a_list_that_another_deployment_needs_is_not_destroyed(station: Station) -> None:
    station.fill(2)
    officer, folder = SigningKey.create(), station.site.files
    rules = load_profile("uk-police")
    now_s = station.clock.wall_s()
    authority = trial_authority(station.profile, now_s, deployment="live-1").model_copy(
        update={
            "kind": "retrospective",
            "profile": rules.name,
            "profile_sha256": rules.sha256,
            "footage_from": 1.0,
            "footage_to": 2.0,
            "authorising_officer": Officer(id="insp-1", rank="inspector"),
        }
    )
    signed(authority, officer, now_s).save(folder)
    keep_profile(folder, rules)
    with pytest.raises(ConflictError, match="needs the same watchlist; got: live-1"):
        station.close()
    assert len(station.watchlist.entries()) == 2
    assert open_grant(folder, "").closing is None


CRASH = """
import os, sys
from pathlib import Path
import lfr_ray.shred_files as shred_module
import lfr_ray.match.watchlist_store_on_disk as folder_module
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.site.close_deployment import close_deployment
from lfr_ray.site.open_site import SiteStorage
calls = 0
real = shred_module.overwrite
def dying(path):
    global calls
    calls += 1
    if calls > int(sys.argv[2]):
        os._exit(9)
    real(path)
shred_module.overwrite = dying
data_dir = DataDir(Path(sys.argv[1]))
alerts = AlertStore(Database.at(data_dir.alert_database))
storage = SiteStorage(data_dir, WatchlistStore(data_dir.watchlist), alerts, open_ledger(data_dir))
close_deployment(storage, "d1", by="op-1", reason="over")
"""


@pytest.mark.parametrize("after", [0, 2])
def test_a_crash_in_the_middle_of_the_close_is_finished_at_the_next_start(station: Station, after: int) -> None:
    station.fill()
    station.alert(1)
    command = [sys.executable, "-c", CRASH, str(station.site.data_dir), str(after)]
    assert subprocess.run(command, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode == 9
    assert not (station.site.data_dir / "receipts" / "d1.json").exists()
    assert not station.verify().holds
    station.clock.set_wall_s(4e9)
    (receipt,) = finish_closings(station.storage, clock=station.clock)
    assert receipt.receipt.by == "op-1"
    assert "interrupted" in receipt.receipt.notes[0]
    assert receipt.receipt.parts[0].found_before == 40
    assert finish_closings(station.storage, clock=station.clock) == []
    found = station.verify()
    assert found.holds, found.faults


def test_further_files_are_destroyed_after_a_crash_too(station: Station, tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    (recordings / "a.mkv").write_bytes(picture(77))
    named = replace(station.storage, extra=(recordings,), roots=(tmp_path,))
    (station.site.data_dir / "copy.bin").write_bytes(picture(77))
    with pytest.raises(IntegrityError):
        close_deployment(named, "d1", by="op-1", reason="over", clock=station.clock)
    (recordings).mkdir()
    (recordings / "late.mkv").write_bytes(picture(78))
    (station.site.data_dir / "copy.bin").unlink()
    (receipt,) = finish_closings(station.storage, clock=station.clock)
    assert [part.label for part in receipt.receipt.parts] == ["watchlist", "alerts", "files"]
    assert not recordings.exists()


def test_the_ledger_knows_where_the_desk_goes_on(station: Station) -> None:
    station.alert(1)
    assert last_event_id(read_records(station.site.files)) == station.desk.store.newest_event_id() == 1


def test_a_missing_receipt_file_or_fingerprint_is_a_fault(station: Station) -> None:
    station.fill(2)
    station.close()
    receipts = station.site.data_dir / "receipts"
    (receipts / "d1.watchlist.scan").rename(receipts / "hidden")
    assert any("fingerprints of watchlist are missing" in fault for fault in station.verify().faults)
    (receipts / "hidden").rename(receipts / "d1.watchlist.scan")
    (receipts / "d1.json").unlink()
    assert any("there is no receipt" in fault for fault in station.verify().faults)


def test_a_list_that_was_damaged_on_disk_is_destroyed_all_the_same(station: Station) -> None:
    station.fill(3)
    for path in (station.site.data_dir / "watchlist").rglob("data/*.lance"):
        path.write_bytes(b"damaged" + path.read_bytes()[7:])
    receipt = station.close()
    assert any("was damaged" in note for note in receipt.receipt.notes)
    assert not list((station.site.data_dir / "watchlist").rglob("data/*"))


def test_content_that_cannot_be_destroyed_denies_the_receipt(station: Station) -> None:
    station.fill(2)
    (station.site.data_dir / "copy.bin").write_bytes(picture(1))
    with pytest.raises(IntegrityError, match=r"copy\.bin"):
        station.close()
    assert list_grants(station.site.files)[0].closing is not None, "matching has ended all the same"
    (station.site.data_dir / "copy.bin").unlink()
    assert station.close().receipt.parts[0].items == 4
