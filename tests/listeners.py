"""Many readers of an event stream at once, on bare sockets: a client library would be the slowest part."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import urlsplit


class Listener:
    """One stream, opened; reads what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @staticmethod
    async def open(url: str, last_event_id: int | None = None) -> Listener:
        """Connect and read the greeting."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        resume = "" if last_event_id is None else f"Last-Event-ID: {last_event_id}\r\n"
        writer.write(f"GET /v1/alerts/stream HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n".encode())
        listener = Listener(reader, writer)
        await listener.until("hello")
        return listener

    async def until(self, kind: str, within_s: float = 60.0) -> list[int]:
        """Read until an event of this kind; the ids of all on the way."""
        ids: list[int] = []
        while True:
            line = await asyncio.wait_for(self._reader.readline(), within_s)
            assert line, "the stream ended"
            found = re.match(rb"data: (.*)", line)
            if found is not None:
                event = json.loads(found[1])
                ids.append(int(event["id"]))
                if event["kind"] == kind:
                    return ids

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def listen(url: str, count: int, last_event_id: int | None = None) -> list[Listener]:
    """So many streams, opened twenty at a time."""
    opened: list[Listener] = []
    for start in range(0, count, 20):
        many = (Listener.open(url, last_event_id) for _ in range(min(20, count - start)))
        opened += await asyncio.gather(*many)
    return opened
