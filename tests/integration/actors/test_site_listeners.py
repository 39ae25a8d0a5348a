"""A real site with very many readers of its event stream, and its emergency stop in that stream."""

from __future__ import annotations

import asyncio
import time

import httpx

from tests.integration.actors.conftest import Site
from tests.listeners import Listener, listen

STREAMS = 300


def test_a_site_works_on_while_very_many_listen(site: Site) -> None:
    alert = site.both_alerts()[0]
    path = f"v1/alerts/{alert['id']}/hold"

    async def followed() -> tuple[float, float, list[list[int]]]:
        streams = await listen(site.file.console_url, STREAMS)
        async with httpx.AsyncClient(base_url=site.file.console_url, trust_env=False, timeout=60) as client:
            began_s = time.monotonic()
            held = await client.post(path, json={"officer": "PC1", "reason": "evidence"})
            durable_s = time.monotonic() - began_s
            began_s = time.monotonic()
            ready = await client.get("readyz")
            ready_s = time.monotonic() - began_s
            assert (held.status_code, ready.status_code) == (200, 200), ready.text
            heard = await asyncio.gather(*(one.until("hold") for one in streams))
            await client.delete(path, params={"officer": "PC1"})
        for one in streams:
            one.close()
        return durable_s, ready_s, heard

    durable_s, ready_s, heard = asyncio.run(followed())
    assert len({ids[-1] for ids in heard}) == 1
    assert durable_s < 3.0
    assert ready_s < 3.0
    site.matched_again()


def test_the_emergency_stop_and_its_end_are_in_the_stream(site: Site) -> None:
    async def followed() -> None:
        stream = await Listener.open(site.file.console_url)
        site.post("v1/stop", officer="PC1", reason="an exercise")
        stopped_s = time.monotonic()
        await stream.until("matching_stopped")
        assert time.monotonic() - stopped_s < 5.0
        site.post("v1/resume", officer="PC1", reason="it is over")
        await stream.until("matching_resumed")
        stream.close()

    asyncio.run(followed())
    site.matched_again()
