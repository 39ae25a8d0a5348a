"""The position of a site that moves, from a gpsd that plays a recorded feed over a loopback socket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.site.gpsd_position import Gpsd
from tests.integration.govern.scene import LIST_HASH, Scene

GREETING = (
    b'{"class":"VERSION","release":"3.25","rev":"3.25","proto_major":3,"proto_minor":15}\r\n'
    b'{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/ttyACM0","driver":"u-blox","activated":'
    b'"2026-08-28T08:00:00.000Z","flags":1,"native":0,"bps":9600,"parity":"N","stopbits":1,"cycle":1.00}]}\r\n'
    b'{"class":"WATCH","enable":true,"json":true,"nmea":false,"raw":0,"scaled":false,"timing":false}\r\n'
)
SKY = b'{"class":"SKY","device":"/dev/ttyACM0","hdop":0.94,"nSat":11,"uSat":8,"satellites":[]}\r\n'
NO_FIX = b'{"class":"TPV","device":"/dev/ttyACM0","mode":1}\r\n'


def fix(latitude: float, longitude: float) -> bytes:
    return (
        b'{"class":"TPV","device":"/dev/ttyACM0","mode":3,"time":"2026-08-28T08:00:01.000Z","ept":0.005,'
        b'"lat":%.9f,"lon":%.9f,"altHAE":49.1,"epx":3.1,"epy":4.2,"track":0.0,"speed":0.05}\r\n' % (latitude, longitude)
    )


class Feed:
    """A gpsd of one client at a time."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.asked = b""
        self._client: socket.socket | None = None
        self._clients: list[socket.socket] = []
        self._readers: list[Gpsd] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def reader(self, max_age_s: float) -> Gpsd:
        """What follows this feed until it is closed."""
        self._readers.append(Gpsd(self.address, max_age_s))
        return self._readers[-1]

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._clients.append(client)
            with contextlib.suppress(OSError):  # its reader may be gone already
                client.sendall(GREETING)
                self.asked = client.recv(200)
                self._client = client
                self._ready.set()

    def say(self, *reports: bytes) -> None:
        assert self._ready.wait(10)
        assert self._client is not None
        self._client.sendall(b"".join(reports))

    def drop(self) -> None:
        assert self._ready.wait(10)
        assert self._client is not None
        self._ready.clear()
        self._client.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for one in (self._server, *self._clients):
            one.close()


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed()
    yield made
    made.close()


def until(what: Callable[[], Any]) -> None:
    limit_s = time.monotonic() + 20
    while not what():
        assert time.monotonic() < limit_s
        time.sleep(0.01)


def test_it_follows_a_gpsd_and_finds_it_again(feed: Feed) -> None:
    gpsd = feed.reader(60.0)
    assert gpsd.position() is None
    feed.say(SKY, NO_FIX, b"rubbish\r\n", b"[1]\r\n", b'{"class":"TPV","mode":"x"}\r\n')
    feed.say(fix(51.789, 1.153))
    until(lambda: gpsd.position() == (51.789, 1.153))
    assert feed.asked == b'?WATCH={"enable":true,"json":true}\n'
    feed.say(NO_FIX)
    until(lambda: gpsd.position() is None)
    feed.drop()
    feed.say(fix(51.8, 1.2))
    until(lambda: gpsd.position() == (51.8, 1.2))


def test_a_reader_that_is_closed_ends_also_while_it_waits_for_a_gpsd(feed: Feed) -> None:
    waits = feed.reader(60.0)
    feed.say(fix(51.789, 1.153))
    until(waits.position)
    waits.close()
    assert not [one for one in threading.enumerate() if one.name == "gpsd"]


def test_an_old_position_is_none(feed: Feed) -> None:
    gpsd = feed.reader(0.3)
    feed.say(fix(51.789, 1.153))
    until(gpsd.position)
    until(lambda: gpsd.position() is None)


def test_a_van_that_drives_away_stops_matching(feed: Feed, site: Any, trust_tree: Any) -> None:
    scene = Scene(site, trust_tree)
    gpsd = feed.reader(60.0)
    gate = AuthorityGate(
        site.files, "airshow-1", scene.profile, scene.ledger, clock=site.clock, positions=lambda _: gpsd.position()
    )

    def ask() -> str:
        return gate.refusal("van", site.clock.wall_s(), LIST_HASH, "dlib_resnet")

    assert "position is not known" in ask()
    feed.say(fix(51.789, 1.153))
    until(gpsd.position)
    assert ask() == ""
    feed.say(fix(51.795, 1.153))  # 670 m to the north, of 300
    until(lambda: gpsd.position() == (51.795, 1.153))
    assert "outside the authorised place" in ask()
    feed.say(fix(51.7891, 1.1531))
    until(lambda: gpsd.position() == (51.7891, 1.1531))
    assert ask() == ""
