"""The event stream as server-sent events: one poller of a process, from which every stream of it is served.

desk <- one question at a time <- poller -> the newest events, rendered -> streams
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lfr_ray.alert.json_document import to_json
from lfr_ray.errors import InputError, LfrError, ResourceError
from lfr_ray.metrics import Meter
from lfr_ray.records import FeedEvent
from lfr_ray.structured_logs import get_logger

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": alive\n\n"
TROUBLE = b": the alert desk does not answer, still trying\n\n"
"""Comments: clients ignore them, proxies see that the connection lives."""

log = get_logger()


class EventSource(Protocol):
    """Where events come from: the alert service itself, or an actor that holds it."""

    async def events_after(self, event_id: int, wait_s: float) -> Sequence[FeedEvent]:
        """Events after ``event_id``, oldest first; where there are none, those that come within ``wait_s``."""

    async def newest_event_id(self) -> int:
        """The newest event's id."""


@dataclass(frozen=True, slots=True)
class FeedRules:
    """How the streams of a process behave.

    Attributes:
        heartbeat_s: Silence after which a comment is sent.
        trouble_s: Pause before a source that did not answer is asked again.
        retry_ms: How long a client waits before it connects again.
        kept: So many of the newest events are in memory; a stream that begins before them reads page by page.
        rest: After a page of older events nobody asks for another one for ``rest`` times as long as it took: at
            most one part in ``rest`` of the source's time goes into them.
        most_streams: Open at a time; the next one is refused.
        most_bytes: A stream ends after so much and is resumed by its client: what a reader that stalled leaves in
            the buffers between here and there is bounded.
        most_s: And after so long, for the same reason.
    """

    heartbeat_s: float = 15.0
    trouble_s: float = 1.0
    retry_ms: int = 2000
    kept: int = 1000
    rest: float = 50.0
    most_streams: int = 800
    most_bytes: int = 512 * 1024
    most_s: float = 3600.0


def resume_after(last_event_id: str | None, newest_id: int) -> int:
    """After which event a stream goes on: the client's last one, or for a new client the newest.

    An id beyond the newest one (the database was replaced) counts as the newest. InputError: it is no event id.

    >>> resume_after("7", 9), resume_after(None, 9), resume_after("700", 9)
    (7, 9, 9)
    """
    if last_event_id is None or not last_event_id.strip():
        return newest_id
    text = last_event_id.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise InputError(
            "Last-Event-ID is not an id of this feed",
            got=text[:40],
            allowed="a number that the feed sent as id",
            next_step="connect without it",
        )
    return min(int(text), newest_id)


def render(event: FeedEvent) -> bytes:
    r"""One event as a server-sent event.

    >>> render(FeedEvent(3, "pause", 0.0, None, "", {})).splitlines()[:2]
    [b'id: 3', b'event: pause']
    """
    # JSON escapes every line break, so that the data is always one line.
    data = json.dumps(to_json(event), ensure_ascii=True, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def hello(after: int, rules: FeedRules) -> bytes:
    """The first bytes of a stream: where it starts, so that a client cut off at once can resume there."""
    data = json.dumps({"id": after, "kind": "hello"}, separators=(",", ":"))
    return f"retry: {rules.retry_ms}\nid: {after}\nevent: hello\ndata: {data}\n\n".encode()


class Feed:
    """All event streams of one process. The source is asked by one poller, and only while somebody listens."""

    def __init__(self, source: EventSource, rules: FeedRules | None = None) -> None:
        self.meter = Meter()
        self.meter.gauge("event_streams", 0)
        self._source = source
        self._rules = rules or FeedRules()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._from_id = self._newest_id = 0
        """Every event after the one and up to the other is kept."""
        self._streams = 0
        self._trouble = False
        self._news = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def open(self, last_event_id: str | None) -> AsyncIterator[bytes]:
        """A new stream, behind the client's last event.

        InputError: that is no event id. ResourceError: there are too many streams. StoreError: the source is away.
        """
        self._check_room()
        async with self._opening:
            await self._begin()
        newest_id = self._newest_id
        if resume_after(last_event_id, sys.maxsize) > newest_id:
            # A new client, or one that knows more than the poller: it read a page of alerts just now.
            newest_id = await self._source.newest_event_id()
        self._check_room()  # many may have come meanwhile
        return self._stream(resume_after(last_event_id, newest_id))

    def _check_room(self) -> None:
        if self._streams >= self._rules.most_streams:
            self.meter.count("event_streams_refused_total")
            raise ResourceError(
                "too many event streams are open",
                got=self._streams,
                allowed=f"{self._rules.most_streams} of one process",
                next_step="try again, or let several readers share one stream",
            )

    async def _begin(self) -> None:
        """With the first stream the newest events are read into memory."""
        if self._poller is not None and not self._poller.done():
            return
        newest_id = await self._source.newest_event_id()
        if not self._newest_id <= newest_id <= self._newest_id + self._rules.kept:
            self._kept.clear()
            self._from_id = self._newest_id = max(0, newest_id - self._rules.kept)
        while self._newest_id < newest_id:
            self._keep(await self._source.events_after(self._newest_id, 0.0), newest_id)
        self._poll_on()

    def _poll_on(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        """Until nobody listens any more, and then a little longer: who comes and goes costs the source no more."""
        listened = True
        while listened or self._streams:
            listened = self._streams > 0
            try:
                wait_s = 0.0 if self._trouble else self._rules.heartbeat_s
                self._keep(await self._source.events_after(self._newest_id, wait_s))
                self._trouble = False
            except Exception as error:  # noqa: BLE001  (every stream hangs on it: it goes on where it was)
                if not isinstance(error, LfrError):
                    log.error("reading the feed failed", error=type(error).__name__)
                self._trouble = True
                self._wake()
                await asyncio.sleep(self._rules.trouble_s)

    def _keep(self, events: Sequence[FeedEvent], newest_id: int = 0) -> None:
        self._kept.extend((event.id, render(event)) for event in events)
        self._newest_id = events[-1].id if events else max(self._newest_id, newest_id)
        while len(self._kept) > self._rules.kept:
            self._from_id = self._kept.popleft()[0]
        if events:
            self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _stream(self, after: int) -> AsyncIterator[bytes]:
        """Everything after ``after`` and then everything new, each event once and in order.

        When the source does not answer, the stream says so in a comment and goes on where it was.
        """
        rules, began_s = self._rules, time.monotonic()
        if self._streams >= rules.most_streams:
            return  # those that came at the same time took the last room; who connects again is told
        self._count(1)
        try:
            chunk = hello(after, rules)
            sent = len(chunk)
            yield chunk
            while sent < rules.most_bytes and time.monotonic() - began_s < rules.most_s:
                self._poll_on()
                news, trouble = self._news, self._trouble
                try:
                    events = await self._older(after) if after < self._from_id else self._fresh(after)
                except LfrError:
                    events, trouble = [], True
                if events:
                    after, chunk = events[-1][0], b"".join(rendered for _, rendered in events)
                elif trouble:
                    await asyncio.sleep(rules.trouble_s)
                    chunk = TROUBLE
                else:
                    chunk = b"" if await _happens(news, rules.heartbeat_s) else HEARTBEAT
                if chunk:
                    sent += len(chunk)
                    yield chunk
        finally:
            self._count(-1)

    def _fresh(self, after: int) -> list[tuple[int, bytes]]:
        """What is kept after an event."""
        found = []
        for event in reversed(self._kept):
            if event[0] <= after:
                break
            found.append(event)
        return found[::-1]

    async def _older(self, after: int) -> list[tuple[int, bytes]]:
        """A page of what is not kept any more, one reader at a time and with rests."""
        async with self._reading:
            began_s = time.monotonic()
            events = await self._source.events_after(after, 0.0)
            await asyncio.sleep(min(1.0, self._rules.rest * (time.monotonic() - began_s)))
        return [(event.id, render(event)) for event in events]

    def _count(self, by: int) -> None:
        self._streams += by
        self.meter.gauge("event_streams", self._streams)


async def _happens(news: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(news.wait(), within_s)
    except asyncio.TimeoutError:
        return False
    return True
