"""The names of a site's files and folders are a promise: a folder that was made before opens as it is."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.data_dir import DataDir, WatchlistDir

DATA = DataDir(Path("lfr-data"))

NAMES = {
    DATA.watchlist: "watchlist",
    DATA.watchlist_waiting: "watchlist-waiting",
    DATA.alert_database: "desk.sqlite",
    DATA.stop: "stop",
    DATA.pause: "pause",
    DATA.running: "running",
    DATA.ledger: "ledger.jsonl",
    DATA.ledger_head: "ledger.head",
    DATA.ledger_torn: "ledger.torn",
    DATA.ledger_lock: "ledger.lock",
    DATA.ledger_failed: "ledger.failed",
    DATA.keys: "keys",
    DATA.keys_lock: "keys/.lock",
    DATA.site_key: "keys/site.key",
    DATA.tester_key: "keys/tester.key",
    DATA.scan_key: "keys/scan.key",
    DATA.public_key("ab12"): "keys/ab12.pub",
    DATA.push_key: "keys/push.key",
    DATA.camera_focus("gate"): "cameras/gate.json",
    DATA.deployments: "deployments",
    DATA.grant("airshow.1"): "deployments/airshow.1.json",
    DATA.listing("airshow.1"): "deployments/airshow.1.listed",
    DATA.breaker("airshow.1"): "deployments/airshow.1.breaker",
    DATA.breaker(""): "deployments/test.breaker",
    DATA.profile("f" * 64): f"deployments/profiles/{'f' * 64}.json",
    DATA.receipts: "receipts",
    DATA.closing_lock: "receipts/.closing.lock",
    DATA.receipt("airshow.1"): "receipts/airshow.1.json",
    DATA.erasure_lock("airshow.1"): "receipts/.airshow.1.lock",
    DATA.erasure_journal("airshow.1"): "receipts/airshow.1.erasing",
    DATA.fingerprints("airshow.1", "alerts"): "receipts/airshow.1.alerts.scan",
    DATA.records: "records",
}

WATCHLIST = WatchlistDir(Path("watchlist"))
WATCHLIST_NAMES = {
    WATCHLIST.approval: "approval.json",
    WATCHLIST.lock: "lock",
    WATCHLIST.unfinished: "unfinished",
    WATCHLIST.superseded: "superseded",
    WATCHLIST.destroying: "destroying",
}


def test_no_name_on_disk_has_changed() -> None:
    for path, name in NAMES.items():
        assert path == Path("lfr-data") / name
    for path, name in WATCHLIST_NAMES.items():
        assert path == Path("watchlist") / name


def test_every_path_is_another_one() -> None:
    assert len(NAMES) == 32
    assert len(WATCHLIST_NAMES) == 5


def test_what_lies_in_a_folder_is_found_by_its_ending(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    assert data.grants == data.listings == data.public_keys == data.signed_receipts == data.signed_records == []
    for made in (data.grant("b.1"), data.grant("a"), data.listing("a"), data.breaker("a"), data.profile("0" * 64)):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
    for made in (data.receipt("a"), data.erasure_journal("b.1"), data.fingerprints("a", "alerts"), data.closing_lock):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
    assert [path.stem for path in data.grants] == ["a", "b.1"]
    assert [path.stem for path in data.listings] == ["a"]
    assert [path.stem for path in data.signed_receipts] == ["a"]
    assert [path.stem for path in data.erasure_journals] == ["b.1"]
    assert [path.stem for path in data.all_fingerprints] == ["a.alerts"]
