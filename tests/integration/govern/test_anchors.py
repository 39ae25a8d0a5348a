"""Where the ledger ends, written down outside its folder; and a site whose ledger is gone, shorter or older."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.errors import InputError, IntegrityError
from lfr_ray.govern.anchors import anchored_heads, write_anchors
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.section import parse_section
from lfr_ray.site.open import check_ledger, open_storage
from lfr_ray.site.schedule import ANCHOR_EVERY_S, Schedule
from tests.integration.govern.scene import Scene
from tests.integration.govern.station import Station

DONE = Event("decision", "alert decided")


def config(site: Any, *anchors: Path) -> SiteConfig:
    fields = {"site": "pier", "data_dir": site.data_dir, "authority": {"kind": "test"}}
    return parse_section(SiteConfig, fields | {"ledger": {"anchors": list(map(str, anchors))}}, "site")


def test_a_ledger_that_was_set_back_as_a_whole_is_not_opened(site: Any, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    ledger = site.ledger()
    ledger.append(DONE)
    before = (site.path.read_bytes(), site.files.ledger_head.read_bytes())
    write_anchors([str(anchor)], ledger.head, site.files)
    check_ledger(config(site, anchor))
    ledger.append(DONE)
    write_anchors([str(anchor)], ledger.head, site.files)
    assert [one.count for one in anchored_heads([str(anchor)], site.files)] == [1, 2]
    site.path.write_bytes(before[0])
    site.files.ledger_head.write_bytes(before[1])
    with pytest.raises(IntegrityError, match="set back"), open_storage(config(site, anchor)):
        pass
    site.path.unlink()
    with pytest.raises(IntegrityError, match=r"got: 0 records; anchor anchor names record 1"):
        check_ledger(config(site, anchor))


def test_an_anchor_holds_several_ledgers_and_half_a_line(site: Any, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    other = json.dumps({"ledger": "/elsewhere/ledger.jsonl", "head": "9:" + "a" * 64}) + "\n"
    anchor.write_text(other + '{"ledger": "/else')
    assert anchored_heads([str(anchor)], site.files) == []
    check_ledger(config(site, anchor))


def test_a_deployment_without_its_ledger_is_not_opened(site: Any, trust_tree: Any) -> None:
    Scene(site, trust_tree)
    check_ledger(config(site))
    site.path.unlink()
    site.files.ledger_head.unlink()
    with pytest.raises(IntegrityError, match=r"does not record a deployment that lies here.*airshow-1"):
        check_ledger(config(site))


def test_an_address_is_told_and_one_that_is_away_stops_nothing(site: Any) -> None:
    told = []

    class Notary(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Notary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ledger = site.ledger()
    ledger.append(DONE)
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    assert write_anchors([address, "syslog:"], ledger.head, site.files) == []
    server.shutdown()
    server.server_close()
    assert told == [{"ledger": str(site.path), "head": ledger.head.text(), "at": utc_text(ledger.head.latest_at)}]
    (fault,) = write_anchors([address], ledger.head, site.files)
    assert fault.startswith(address)


def test_a_running_site_writes_them_at_its_start_and_every_hour(station: Station, tmp_path: Path) -> None:
    from dataclasses import replace

    anchor = tmp_path / "anchor"
    station.ledger.append(DONE)
    storage = replace(station.storage, anchors=(str(anchor), "/nowhere/anchor"))
    schedule = Schedule(config(station.site, anchor), storage, station.clock)
    schedule.begin()
    assert len(anchor.read_bytes().splitlines()) == 1
    schedule.tick({})
    station.clock.advance(ANCHOR_EVERY_S + 1)
    schedule.tick({})
    assert len(anchor.read_bytes().splitlines()) == 2
    faults = [one["reason"] for one in read_records(station.site.files) if one["what"] == "anchor not written"]
    assert faults == ["/nowhere/anchor: No such file or directory"] * 2


def test_what_is_no_anchor() -> None:
    with pytest.raises(InputError, match="absolute path, syslog: or https"):
        parse_section(SiteConfig, {"site": "pier", "ledger": {"anchors": ["here"]}}, "site")
