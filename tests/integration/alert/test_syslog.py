"""Events to real sockets, over TLS, TCP and UDP."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.syslog_output import Collector
from lfr_ray.outputs_config import SyslogConfig
from lfr_ray.records import Sighting
from tests.integration.alert.ways import free_port, running, wait_until
from tests.integration.camera.test_certificates import certify

Make = Callable[..., Sighting]


class Receiver:
    """A collector that can hang up, and be away; keeps the messages that it read."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.port, self.messages = free_port(), list[str]()
        self._context = context
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in self._connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._connections.clear()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection = listener.accept()[0]
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        try:
            while True:
                count = b""
                while not count.endswith(b" "):
                    letter = stream.read(1)
                    if not letter:
                        return
                    count += letter
                self.messages.append(stream.read(int(count)).decode())
        except OSError:
            return


@pytest.fixture
def desk(desk_on: Callable[..., AlertService], tmp_path: Path) -> Iterator[AlertService]:
    database = Database.at(tmp_path / "desk.sqlite")
    yield desk_on(database)
    database.close()


def sink(port: int, **options: object) -> Collector:
    return Collector(SyslogConfig(name="soc", host="127.0.0.1", port=port, **options), "harbour")


@pytest.mark.parametrize("transport", ["tls", "tcp"])
def test_a_collector_that_hangs_up_and_is_away_misses_nothing(
    transport: str, desk: AlertService, make_sighting: Make, tmp_path: Path
) -> None:
    certificate, key = certify(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver = Receiver(context if transport == "tls" else None)
    receiver.start()
    with running([sink(receiver.port, transport=transport, ca_file=certificate)], desk) as meter:
        first = desk.raise_alert(make_sighting()).alert_id
        wait_until(lambda: len(receiver.messages) == 1, "the first alert")
        receiver.stop()
        wait_until(lambda: meter.value("output_failing", output="soc") == 1, "failing")
        second = desk.raise_alert(make_sighting("t2", match={"entry_id": "e2"})).alert_id
        receiver.start()
        wait_until(lambda: any(second in one for one in receiver.messages), "the second alert")
    receiver.stop()
    told = receiver.messages
    assert re.match(r"<132>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ lfr_ray - alert_raised - CEF:0\|lfr_ray\|", told[0])
    assert f"cs1Label=alert cs1={first} cs2Label=camera cs2=gate" in told[0]
    assert "Nobody Listed" not in "".join(told)


def test_a_collector_that_reads_nothing_delays_no_other(
    desk: AlertService, make_sighting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfr_ray.alert.syslog_output.ANSWER_S", 1.0)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.settimeout(20.0)
    deaf = socket.create_server(("127.0.0.1", 0), backlog=0)  # nobody accepts
    slow = sink(deaf.getsockname()[1], transport="tls")
    slow.name = "slow"
    with udp, deaf, running([slow, sink(udp.getsockname()[1], transport="udp")], desk) as meter:
        began_s = time.monotonic()
        alert = desk.raise_alert(make_sighting()).alert_id
        assert f"cs1={alert}" in udp.recv(65_536).decode()
        took_s = time.monotonic() - began_s
        wait_until(lambda: meter.value("output_failing", output="slow") == 1, "failing")
        assert took_s < 20.0


def test_a_certificate_of_nobody_is_not_trusted(desk: AlertService, tmp_path: Path) -> None:
    certificate, key = certify(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver = Receiver(context)
    receiver.start()
    with running([sink(receiver.port)], desk) as meter:
        wait_until(lambda: meter.value("output_failing", output="soc") == 1, "failing")
    receiver.stop()
    assert receiver.messages == []
