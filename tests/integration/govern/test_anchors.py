"""Where the ledger ends, written down outside its folder; and a site whose ledger is gone, shorter or older."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.errors import AuthorityError, InputError, IntegrityError
from lfr_ray.govern.ledger_anchors import anchor_fault, anchored_heads, anchors_in_force, write_anchors
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_head import Head
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import closed
from lfr_ray.site.ledger_checks_at_start import check_ledger
from lfr_ray.site.open_site import open_storage
from lfr_ray.site.timed_tasks import ANCHOR_EVERY_S, Schedule
from lfr_ray.strict_yaml import parse_section
from tests.integration.govern.scene import Scene
from tests.integration.govern.station import Station
from tests.integration.govern.test_cli import Desk
from tests.trust_tree import TrustTree

DONE = Event("decision", "alert decided")


def config(site: Any, *anchors: Path | str) -> SiteConfig:
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


def said(site: Any, head: Head) -> dict[str, str]:
    return {"ledger": str(site.path), "head": head.text(), "at": utc_text(head.latest_at)}


def test_an_address_is_told_compared_with_and_stops_nothing_while_it_is_away(site: Any) -> None:
    told: list[bytes] = []

    class Notary(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"".join(told))

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Notary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    ledger = site.ledger()
    ledger.append(DONE)
    before = (site.path.read_bytes(), site.files.ledger_head.read_bytes())
    ledger.append(DONE)
    assert write_anchors([address], ledger.head, site.files) == []
    assert [json.loads(one) for one in told] == [said(site, ledger.head)]
    check_ledger(config(site, address))
    site.path.write_bytes(before[0])
    site.files.ledger_head.write_bytes(before[1])
    with pytest.raises(IntegrityError, match="set back"):
        check_ledger(config(site, address))
    server.shutdown()
    server.server_close()
    (fault,) = write_anchors([address], ledger.head, site.files)
    assert fault.startswith(address)
    check_ledger(config(site, address))


def test_the_system_log_is_told_and_what_it_wrote_can_be_compared_with(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = site.ledger()
    ledger.append(DONE)
    monkeypatch.setattr("lfr_ray.govern.ledger_anchors.SYSTEM_LOG", tmp_path / "log")
    (fault,) = write_anchors(["syslog:"], ledger.head, site.files)
    assert fault == "syslog:: No such file or directory", "nobody takes it"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        log.settimeout(10)
        assert write_anchors(["syslog:"], ledger.head, site.files) == []
        taken = log.recv(4096)
    assert taken.startswith(b"<37>lfr-ray ledger {")
    written = tmp_path / "auth.log"
    written.write_bytes(taken.replace(b"<37>", b"2026-11-26T12:00:00Z van-1 ") + b"\n")
    assert [one.count for one in anchored_heads([str(written)], site.files)] == [1]


@pytest.mark.parametrize(
    ("anchors", "words"),
    [
        ([], "no anchor of the ledger is outside"),
        (["{}/anchor"], "no anchor of the ledger is outside"),
        (["{}/../another"], "gone or is another one's"),
        (["{}/../anchor"], ""),
        (["{}/../another", "{}/../anchor"], ""),
        (["syslog:"], ""),
    ],
)
def test_what_holds_this_ledger(site: Any, anchors: list[str], words: str) -> None:
    ledger = site.ledger()
    ledger.append(DONE)
    root = site.files.root
    write_anchors([f"{root}/../anchor", f"{root}/anchor"], ledger.head, site.files)
    (root.parent / "another").write_text(json.dumps({"ledger": "/elsewhere", "head": "9:" + "a" * 64}) + "\n")
    fault = anchor_fault([one.format(root) for one in anchors], site.files)
    assert bool(fault) == bool(words)
    assert words in fault


def test_a_running_site_writes_those_of_an_authority_until_it_is_closed(site: Any, trust_tree: Any) -> None:
    scene = Scene(site, trust_tree, anchors=("/elsewhere/a", "syslog:"))
    assert anchors_in_force(["/mine", "syslog:"], site.files) == ("/mine", "syslog:", "/elsewhere/a")
    closed(scene.grant, site.key, "sup-1", scene.now_s).save(site.files)
    assert anchors_in_force(["/mine"], site.files) == ("/mine",)


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


def test_nothing_live_is_opened_without_an_anchor_that_takes_the_ledger_s_end(
    tmp_path: Path, trust_tree: TrustTree
) -> None:
    desk = Desk(tmp_path, trust_tree)
    desk.list_people()
    words = ("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))
    anchor = Path(f"{desk.data_dir}.anchor")
    for one, told in {
        "/nowhere/anchor": "No such file",
        f"{desk.data_dir}/anchor": "is outside the data folder",
    }.items():
        with pytest.raises(AuthorityError, match=told):
            desk(*words, "--anchor", one)
    text = desk.site.read_text()
    desk.site.write_text(text.partition("    ledger:")[0])
    with pytest.raises(AuthorityError, match=r"names no anchor .*--anchor"):
        desk(*words)
    desk.site.write_text(text)
    assert not anchor.exists()
    assert desk.json(*words)["authority"]["anchors"] == [str(anchor)]
    first = len(anchor.read_bytes().splitlines())
    assert first == 2, "before the authority is given, and when it is on record"
    desk("deployment", "close")
    assert len(anchor.read_bytes().splitlines()) == first + 1
    head = json.loads(anchor.read_text().splitlines()[-1])["head"]
    assert desk.json("audit", "verify", "--noted", str(anchor))["ledger"]["head"] == head


def test_what_is_no_anchor() -> None:
    with pytest.raises(InputError, match="absolute path, syslog: or https"):
        parse_section(SiteConfig, {"site": "pier", "ledger": {"anchors": ["here"]}}, "site")
