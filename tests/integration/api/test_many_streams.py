"""Nobody can stop alerting by listening."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx

from lfr_ray.records import Sighting
from tests.listeners import listen

Make = Callable[..., Sighting]
STREAMS = 300


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
