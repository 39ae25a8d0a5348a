"""The event stream as server-sent events: rendered, kept alive, and resumed where the client left off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lfr_ray.alert.document import to_json
from lfr_ray.errors import InputError, LfrError
from lfr_ray.records import FeedEvent

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": alive\n\n"
TROUBLE = b": the alert desk does not answer, still trying\n\n"
"""Comments: clients ignore them, proxies see that the connection lives."""


class EventSource(Protocol):
    """Where events come from: the alert service itself, or an actor that holds it."""

    async def events_after(self, event_id: int, wait_s: float, reader: str = "") -> Sequence[FeedEvent]:
        """Events after ``event_id``, oldest first, as ``reader`` may see them; where none are new, wait for some."""


@dataclass(frozen=True, slots=True)
class FeedRules:
    """How the stream behaves.

    Attributes:
        heartbeat_s: Silence after which a comment is sent.
        trouble_s: Pause before a source that did not answer is asked again.
        retry_ms: How long a client waits before it connects again.
    """

    heartbeat_s: float = 15.0
    trouble_s: float = 1.0
    retry_ms: int = 2000


def resume_after(last_event_id: str | None, newest_id: int) -> int:
    """After which event a stream goes on: the client's last one, or for a new client the newest.

    An id beyond the newest one (the database was replaced) counts as the newest.

    Raises:
        InputError: The header is no event id.

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

    >>> render(FeedEvent(3, "pause", 0.0, None, "", None)).splitlines()[:2]
    [b'id: 3', b'event: pause']
    """
    # JSON escapes every line break, so that the data is always one line.
    data = json.dumps(to_json(event), ensure_ascii=True, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def hello(after: int, rules: FeedRules) -> bytes:
    """The first bytes of a stream: where it starts, so that a client cut off at once can resume there."""
    data = json.dumps({"id": after, "kind": "hello"}, separators=(",", ":"))
    return f"retry: {rules.retry_ms}\nid: {after}\nevent: hello\ndata: {data}\n\n".encode()


async def stream(source: EventSource, after: int, rules: FeedRules, reader: str = "") -> AsyncIterator[bytes]:
    """Everything after ``after`` and then everything new, until the client goes.

    Each event is sent once, in order. When the source does not answer, the stream says so in a comment and
    goes on where it was.
    """
    yield hello(after, rules)
    while True:
        try:
            events = await source.events_after(after, rules.heartbeat_s, reader)
        except LfrError:
            yield TROUBLE
            await asyncio.sleep(rules.trouble_s)
            continue
        for event in events:
            after = event.id
            yield render(event)
        if not events:
            yield HEARTBEAT
