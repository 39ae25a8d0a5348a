"""Time-stamps by RFC 3161, from a real authority on loopback: OpenSSL's."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.config import SiteConfig
from lfr_ray.errors import IntegrityError
from lfr_ray.govern.ledger_anchors import write_anchors
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.rfc3161_timestamps import stamp, stamped_heads
from lfr_ray.ledger_config import TimeStampConfig
from lfr_ray.site.open_site import open_storage
from lfr_ray.site.verify_site import verify_site
from lfr_ray.strict_yaml import parse_section

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl (Debian: apt-get install openssl)")

DONE = Event("decision", "alert decided")
CONFIG = """
[tsa]
serial = {0}/serial
signer_cert = {0}/tsa.crt
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[stamps]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = name
[name]
"""


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@dataclass
class Authority:
    folder: Path
    url: str
    replaced: bytes = b""

    @property
    def config(self) -> TimeStampConfig:
        return TimeStampConfig(url=self.url, certificates=self.folder / "root.crt")


def certificates(folder: Path) -> None:
    """A root of its own, and what signs the stamps below it."""
    folder.mkdir(exist_ok=True)
    conf = folder / "openssl.cnf"
    conf.write_text(CONFIG.format(folder))
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-config", conf, "-days", 9)
    root = ("-keyout", folder / "root.key", "-out", folder / "root.crt")
    openssl(*new, "-subj", "/CN=A root", "-extensions", "root", *root)
    below = ("-CA", folder / "root.crt", "-CAkey", folder / "root.key")
    leaf = ("-keyout", folder / "tsa.key", "-out", folder / "tsa.crt")
    openssl(*new, "-subj", "/CN=Stamps", "-extensions", "stamps", *below, *leaf)
    (folder / "serial").write_text("01")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("tsa")
    certificates(folder)

    class Stamps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            query, reply = folder / "query", folder / "reply"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            conf = ("-config", folder / "openssl.cnf", "-section", "tsa")
            openssl("ts", "-reply", "-queryfile", query, *conf, "-out", reply)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(made.replaced or reply.read_bytes())

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Stamps)
    made = Authority(folder, f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_end_of_the_ledger_is_stamped_and_the_anchors_hold_the_stamp(
    site: Any, authority: Authority, tmp_path: Path
) -> None:
    ledger, anchor = site.ledger(), tmp_path / "anchor"
    ledger.append(DONE)
    assert write_anchors([str(anchor)], ledger.head, site.files, authority.config) == []
    ledger.append(DONE)
    stamp(authority.config, ledger.head, site.files)
    first, second = stamped_heads(authority.config, site.files)
    assert (first.count, second.count, second.sha256) == (1, 2, ledger.head.sha256)
    assert 0 <= second.at - first.at < 600
    (line,) = anchor.read_text().splitlines()
    kept = json.loads(site.files.ledger_stamps.read_text().splitlines()[0])
    assert json.loads(line)["stamp"] == kept["stamp"]
    # Anybody can check it without us.
    answer, message = tmp_path / "reply", tmp_path / "message"
    answer.write_bytes(base64.b64decode(kept["stamp"]))
    message.write_bytes(json.dumps(["lfr-ray", "ledger head", kept["head"]], separators=(",", ":")).encode())
    openssl("ts", "-verify", "-in", answer, "-data", message, "-CAfile", authority.folder / "root.crt")


def test_a_ledger_that_does_not_go_on_from_a_stamp_is_shown(site: Any, authority: Authority) -> None:
    fields = {"site": "pier", "data_dir": site.data_dir, "authority": {"kind": "test"}}
    told = {"url": authority.url, "certificates": str(authority.folder / "root.crt")}
    config = parse_section(SiteConfig, fields | {"ledger": {"time_stamps": told}}, "site")
    ledger = site.ledger()
    ledger.append(DONE)
    before = (site.path.read_bytes(), site.files.ledger_head.read_bytes())
    ledger.append(DONE)
    stamp(authority.config, ledger.head, site.files)
    with open_storage(config) as storage:
        assert verify_site(storage, 1.8e9).faults == []
    site.path.write_bytes(before[0])
    site.files.ledger_head.write_bytes(before[1])
    with pytest.raises(IntegrityError, match="a time-stamp names record 2"), open_storage(config):
        pass


def test_only_the_authority_that_is_believed_counts(site: Any, authority: Authority, tmp_path: Path) -> None:
    ledger = site.ledger()
    ledger.append(DONE)
    certificates(tmp_path / "another")
    mistaken = TimeStampConfig(url=authority.url, certificates=tmp_path / "another" / "root.crt")
    with pytest.raises(IntegrityError, match="does not hold"):
        stamp(mistaken, ledger.head, site.files)
    stamp(authority.config, ledger.head, site.files)
    with pytest.raises(IntegrityError):
        list(stamped_heads(mistaken, site.files))
    said = json.loads(site.files.ledger_stamps.read_text())
    other = said["head"].replace("1:", "2:")
    site.files.ledger_stamps.write_text(json.dumps(said | {"head": other}) + "\n")
    with pytest.raises(IntegrityError, match="record 2"):
        list(stamped_heads(authority.config, site.files))


@pytest.mark.parametrize("answer", [b"no stamp", "an older one"])
def test_an_answer_to_another_question_is_refused(site: Any, authority: Authority, answer: Any) -> None:
    ledger = site.ledger()
    ledger.append(DONE)
    if answer == "an older one":
        stamp(authority.config, ledger.head, site.files)
        answer = (authority.folder / "reply").read_bytes()
    authority.replaced = answer
    try:
        with pytest.raises(IntegrityError):
            stamp(authority.config, ledger.head, site.files)
        (fault,) = write_anchors([], ledger.head, site.files, authority.config)
        assert fault == "time-stamp: a time-stamp of the ledger does not hold"
    finally:
        authority.replaced = b""


def test_an_authority_that_is_away_stops_nothing(site: Any, authority: Authority) -> None:
    ledger = site.ledger()
    away = TimeStampConfig(url="http://127.0.0.1:9/", certificates=authority.folder / "root.crt")
    assert write_anchors([], ledger.head, site.files, away) == ["time-stamp: URLError"]
