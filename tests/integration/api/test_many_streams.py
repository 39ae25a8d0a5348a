"""Nobody can stop alerting by listening."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lfr_ray.alert.alert_store import add_event
from lfr_ray.api import alert_routes
from lfr_ray.records import Sighting
from tests.listeners import listen

Make = Callable[..., Sighting]
STREAMS = 300
EVENTS = 600
"""Half a kilobyte each: no system keeps them all for a reader that takes nothing."""


def test_with_300_streams_alerts_are_durable_at_once_and_every_stream_hears_them(
    served: Any, make_sighting: Make
) -> None:
    asked: list[float] = []
    events_after = served.desk.events_after

    def counted(*arguments: Any) -> Any:
        began_s = time.thread_time()
        found = events_after(*arguments)
        asked.append(time.thread_time() - began_s)
        return found

    served.desk.events_after = counted

    async def followed() -> tuple[list[list[int]], float, float]:
        streams = await listen(served.url, STREAMS)
        asked.clear()
        began_s, durable_s = time.monotonic(), 0.0
        async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=20) as client:
            for number in range(10):
                raised_s = time.monotonic()
                sighting = make_sighting(f"passage-{number}", camera=f"camera-{number}")
                await asyncio.to_thread(served.desk.raise_alert, sighting)
                durable_s = max(durable_s, time.monotonic() - raised_s)
                assert (await client.get("/readyz")).status_code == 200
                await asyncio.sleep(0.2)
        await asyncio.to_thread(served.desk.pause, by="PC1", reason="the end")
        heard = await asyncio.gather(*(one.until("pause") for one in streams))
        for one in streams:
            one.close()
        return heard, durable_s, time.monotonic() - began_s

    heard, durable_s, took_s = asyncio.run(followed())
    assert heard == [list(range(1, 12))] * STREAMS
    assert durable_s < 2.0
    share = sum(asked) / took_s
    assert share < 0.02, f"{share:.1%} of a core for {len(asked)} questions in {took_s:.1f} s"
    assert len(asked) < STREAMS, "one poller, however many listen"


def test_a_reader_that_stops_reading_holds_nobody_up(served: Any, make_sighting: Make) -> None:
    async def followed() -> list[int]:
        (stream,) = await listen(served.url, 1)
        for number in range(20):
            await asyncio.to_thread(served.desk.raise_alert, make_sighting(f"p-{number}", camera=f"camera-{number}"))
        await asyncio.to_thread(served.desk.pause, by="PC1", reason="the end")
        heard = await stream.until("pause")
        stream.close()
        return heard

    stuck = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(30)]
    try:
        for one in stuck:
            one.sendall(b"GET /v1/alerts/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n")
        assert asyncio.run(followed()) == list(range(1, 22))
    finally:
        for one in stuck:
            one.close()


def test_a_reader_that_takes_nothing_is_cut_within_its_limit_and_others_go_on(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_routes, "SLOW_S", 1.0)
    with served.database.writing("fill the feed") as connection:
        for _ in range(EVENTS):
            add_event(connection, "pause", 0.0, "", {"by": "PC1", "reason": "x" * 500})

    async def streams_open(client: httpx.AsyncClient) -> int:
        (line,) = re.findall(r"^lfr_event_streams\S* (\S+)$", (await client.get("/metrics")).text, re.MULTILINE)
        return int(float(line))

    async def followed() -> list[int]:
        async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=20) as client:
            (reader,) = await listen(served.url, 1)
            until_s = time.monotonic() + 60
            while await streams_open(client) != 1 + len(stuck):
                assert time.monotonic() < until_s, "not every stream was opened"
                await asyncio.sleep(0.1)
            while await streams_open(client) != 1:
                assert time.monotonic() < until_s, "a reader that takes nothing keeps its stream"
                await asyncio.sleep(0.1)
            await asyncio.to_thread(served.desk.resume, by="PC1")
            heard = await reader.until("resume")
            reader.close()
            return heard

    stuck = [small_window(served) for _ in range(5)]
    try:
        assert asyncio.run(followed()) == [EVENTS + 1]
        stuck[0].settimeout(20)
        taken = b""
        while more := stuck[0].recv(65_536):
            taken += more
        assert b"event: resume" not in taken, "its connection ends: it goes on with Last-Event-ID"
    finally:
        for one in stuck:
            one.close()


def small_window(served: Any) -> socket.socket:
    """A reader from the beginning that reads nothing; both machines keep a few kilobytes, as between real ones."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", served.port))
    while not (theirs := served.end_of(one.getsockname()[1])):
        time.sleep(0.02)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    one.sendall(b"GET /v1/alerts/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n")
    return one
