"""A cluster with the certificates that cluster/make-tls.sh makes: it answers by TLS alone, and only who has one."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.integration.actors.conftest import SOON_S, TOKEN
from tests.integration.actors.test_head_lost import CLIENT
from tests.processes import command, eventually, free_port, short_folder

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl (Debian: apt-get install openssl)"),
]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How a call begins: HTTP/2 without any encryption."""


def answer(port: int, trust: ssl.SSLContext | None) -> bytes:
    """What the control store says to somebody who calls."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        try:
            caller = plain if trust is None else trust.wrap_socket(plain, server_hostname="127.0.0.1")
            caller.sendall(PREFACE)
            return caller.recv(9)
        except (ssl.SSLError, ConnectionError):
            return b""


def test_it_answers_by_tls_alone_and_nobody_without_a_certificate(tmp_path: Path, repository: Path) -> None:
    made = tmp_path / "tls"
    subprocess.run([repository / "cluster" / "make-tls.sh", made, "127.0.0.1"], check=True, capture_output=True)
    own, gcs = made / "127.0.0.1", free_port()
    assert made.stat().st_mode & 0o077 == 0
    tls = {
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": str(own / "node.crt"),
        "RAY_TLS_SERVER_KEY": str(own / "node.key"),
        "RAY_TLS_CA_CERT": str(own / "authority.crt"),
    }
    head = (
        "ray start --head --block --disable-usage-stats --include-dashboard=false --num-cpus=1 "
        f"--node-ip-address=127.0.0.1 --port={gcs} --object-store-memory=100000000"
    ).split()
    head.append('--system-config={"automatic_object_spilling_enabled": false}')
    with (
        short_folder() as ray_folder,
        command(tmp_path / "head", *head, f"--temp-dir={ray_folder}", environment=TOKEN | tls) as node,
    ):
        eventually(lambda: "Ray runtime started" in node.stdout, SOON_S, lambda: node.stdout + node.stderr)
        words = ("python", "-c", CLIENT, f"127.0.0.1:{gcs}", "make")
        with command(tmp_path / "client", *words, environment=TOKEN | tls) as one:
            assert one.wait(SOON_S) == 0, one.stderr[-3000:]
            assert "pid " in one.stdout
        known = ssl.create_default_context(cafile=own / "authority.crt")
        assert answer(gcs, known) == b"", "somebody without a certificate"
        known.load_cert_chain(own / "node.crt", own / "node.key")
        known.set_alpn_protocols(["h2"])
        assert answer(gcs, known)[3:4] == b"\x04", "the settings of HTTP/2"
        assert answer(gcs, None)[3:4] != b"\x04", "in the clear"
