"""Two nodes with the certificates that cluster/make-tls.sh makes: they answer by TLS alone, and only who has one."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.actors.conftest import SOON_S, TOKEN
from tests.processes import command, free_port, ray_node, short_folder

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl (Debian: apt-get install openssl)"),
]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How a call begins: HTTP/2, which is answered with settings, a frame whose fourth byte is 4."""
NODES = ("127.0.0.2", "127.0.0.3")
"""Ray takes 127.0.0.1 for this machine's address in its network."""

CLIENT = """
import os, sys
import numpy as np
import ray
from lfr_ray.actors.start_or_join_ray import join
from lfr_ray.actors.cluster_checks import check_network
from lfr_ray.config import SiteConfig
from lfr_ray.errors import RefusedError

class Elsewhere:
    def frame(self):
        return np.ones(2_000_000, np.uint8)

join(sys.argv[1])
site = SiteConfig(site="pier", authority={"kind": "test"})
check_network(site)
actor = ray.remote(Elsewhere).options(num_cpus=0, resources={"second": 1}).remote()
print("sum", ray.get(actor.frame.remote(), timeout=120).sum())
print("raylets", *(f"{one['NodeManagerAddress']}:{one['NodeManagerPort']}" for one in ray.nodes()))
del os.environ["RAY_USE_TLS"]
try:
    check_network(site)
except RefusedError as error:
    print("refused", error)
"""


def answer(address: str, trust: ssl.SSLContext | None) -> bytes:
    """What a process of Ray's says to somebody who calls."""
    host, _, port = address.rpartition(":")
    with ExitStack() as opened:
        try:
            caller = opened.enter_context(socket.create_connection((host, int(port)), timeout=30))
            if trust is not None:
                caller = opened.enter_context(trust.wrap_socket(caller, server_hostname=host))
            caller.sendall(PREFACE)
            return caller.recv(9)
        except (ssl.SSLError, ConnectionError):
            return b""


def test_they_answer_by_tls_alone_and_nobody_without_a_certificate(tmp_path: Path, repository: Path) -> None:
    made = tmp_path / "tls"
    subprocess.run([repository / "cluster" / "make-tls.sh", made, *NODES], check=True, capture_output=True)
    assert all(one.stat().st_mode & 0o077 == 0 for one in (made, *made.rglob("*")))
    head, second = (
        TOKEN
        | {
            "RAY_USE_TLS": "1",
            "RAY_TLS_SERVER_CERT": str(made / node / "node.crt"),
            "RAY_TLS_SERVER_KEY": str(made / node / "node.key"),
            "RAY_TLS_CA_CERT": str(made / node / "authority.crt"),
        }
        for node in NODES
    )
    store = f"{NODES[0]}:{free_port()}"
    words = ["ray", "start", "--block", "--disable-usage-stats", "--object-store-memory=100000000", "--num-cpus=0"]
    first = [*words, "--head", "--include-dashboard=false", f"--port={store.rpartition(':')[2]}"]
    first += [f"--node-ip-address={NODES[0]}", '--system-config={"automatic_object_spilling_enabled": false}']
    other = [*words, f"--address={store}", f"--node-ip-address={NODES[1]}", '--resources={"second": 1}']
    with (
        short_folder() as ray_folder,
        ray_node(tmp_path / "head", *first, f"--temp-dir={ray_folder}", environment=head),
        ray_node(tmp_path / "second", *other, environment=second),
    ):
        with command(tmp_path / "client", "python", "-c", CLIENT, store, environment=head) as client:
            assert client.wait(SOON_S) == 0, client.stderr[-3000:]
            said = dict(line.split(" ", 1) for line in client.stdout.splitlines())
        assert said["sum"] == "2000000", "it came from one node to the other"
        assert "2 nodes, RAY_USE_TLS=, RAY_AUTH_MODE=token" in said["refused"]
        raylets = said["raylets"].split()
        assert {node.partition(":")[0] for node in raylets} == {*NODES}
        for address in (store, *raylets):
            known = ssl.create_default_context(cafile=made / NODES[0] / "authority.crt")
            assert answer(address, known) == b"", "somebody without a certificate"
            known.load_cert_chain(made / NODES[0] / "node.crt", made / NODES[0] / "node.key")
            known.set_alpn_protocols(["h2"])
            assert answer(address, known)[3:4] == b"\x04", "somebody with one"
            assert answer(address, None)[3:4] != b"\x04", "in the clear"
