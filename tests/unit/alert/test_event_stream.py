"""Server-sent events: rendered so that any client reads them, resumed where it left off."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from lfr_ray.alert.event_stream import HEARTBEAT, TROUBLE, Feed, FeedRules, render, resume_after
from lfr_ray.errors import InputError, ResourceError, StoreError
from lfr_ray.records import FeedEvent


class Desk:
    """Events in memory; answers at once, and may be told to fail."""

    def __init__(self, count: int = 0) -> None:
        self.events = [event(number) for number in range(1, count + 1)]
        self.failures = 0
        self.asked: list[int] = []
        self.news = asyncio.Event()

    def happens(self) -> None:
        self.events.append(event(len(self.events) + 1))
        self.news.set()

    async def newest_event_id(self) -> int:
        return len(self.events)

    async def events_after(self, event_id: int, wait_s: float, reader: str = "") -> list[FeedEvent]:
        self.asked.append(event_id)
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        if not self.events[event_id:] and wait_s:
            self.news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.news.wait(), wait_s)
        return self.events[event_id : event_id + 500]


def event(number: int, reason: str = "") -> FeedEvent:
    return FeedEvent(number, "alert_raised", 0.0, "a1", reason, {})


def ids(chunk: bytes) -> list[int]:
    return [int(line.removeprefix(b"id: ")) for line in chunk.splitlines() if line.startswith(b"id: ")]


@pytest.mark.parametrize(
    ("header", "after"), [(None, 9), ("", 9), ("0", 0), ("7", 7), (" 7 ", 7), ("9", 9), ("4000000000", 9)]
)
def test_resume(header: str | None, after: int) -> None:
    assert resume_after(header, 9) == after


@pytest.mark.parametrize("header", ["-1", "abc", "1.5", "\u0663", "1" * 19, "7\nid: 8"])
def test_an_id_that_is_not_ours_is_refused(header: str) -> None:
    with pytest.raises(InputError, match="Last-Event-ID"):
        resume_after(header, 9)


def test_data_is_one_line_whatever_is_in_it() -> None:
    text = render(event(4, "one\ntwo\r\nthree\u2028four é")).decode("ascii")
    lines = text.split("\n")
    assert lines[0] == "id: 4"
    assert lines[1] == "event: alert_raised"
    assert json.loads(lines[2].removeprefix("data: "))["reason"] == "one\ntwo\r\nthree\u2028four é"
    assert lines[3:] == ["", ""]


def test_a_stream_begins_with_where_it_is_so_that_it_can_be_resumed_at_once() -> None:
    async def first() -> bytes:
        return await anext(await Feed(Desk(41)).open(None))

    chunk = asyncio.run(first())
    assert b"id: 41\n" in chunk
    assert chunk.startswith(b"retry: 2000\n")
    assert chunk.endswith(b"\n\n")


def test_every_event_once_in_order_and_heartbeats_in_silence() -> None:
    async def read() -> list[bytes]:
        desk = Desk(2)
        stream = await Feed(desk, FeedRules(heartbeat_s=0.01)).open("0")
        chunks = [await anext(stream) for _ in range(3)]
        desk.happens()
        while chunks[-1] == HEARTBEAT:
            chunks.append(await anext(stream))
        return chunks

    chunks = asyncio.run(read())
    assert [ids(chunk) for chunk in chunks if chunk != HEARTBEAT] == [[0], [1, 2], [3]]
    assert chunks[2] == HEARTBEAT


def test_many_streams_are_one_question() -> None:
    async def read() -> tuple[list[list[int]], list[int]]:
        desk = Desk(3)
        feed = Feed(desk)
        streams = [await feed.open(str(number % 3)) for number in range(200)]
        for one in streams:
            await anext(one)
        caught_up = [ids(await anext(one)) for one in streams]
        desk.asked.clear()
        waiting = [asyncio.create_task(anext(one)) for one in streams]
        await asyncio.sleep(0)
        for _ in range(5):
            desk.happens()
        heard = await asyncio.gather(*waiting)
        assert [found[-1] for found in caught_up] == [3] * 200
        return [ids(chunk) for chunk in heard], desk.asked

    heard, asked = asyncio.run(read())
    assert heard == [[4, 5, 6, 7, 8]] * 200
    assert len(asked) <= 2


def test_what_is_not_kept_is_read_page_by_page_with_rests() -> None:
    async def read() -> tuple[list[int], int]:
        desk = Desk(1700)
        stream = await Feed(desk, FeedRules(kept=100, rest=0.0)).open("0")
        found: list[int] = []
        await anext(stream)
        while len(found) < 1700:
            found += ids(await anext(stream))
        return found, desk.asked.count(0)

    found, from_the_start = asyncio.run(read())
    assert found == list(range(1, 1701))
    assert from_the_start == 1


def test_a_desk_that_does_not_answer_ends_no_stream() -> None:
    async def read() -> list[bytes]:
        desk = Desk(2)
        feed = Feed(desk, FeedRules(trouble_s=0.01, heartbeat_s=5.0))
        stream = await feed.open(None)
        await anext(stream)
        await asyncio.sleep(0)
        desk.failures = 1
        desk.happens()
        chunks = [await anext(stream), await anext(stream)]
        desk.happens()
        while chunks[-1] == TROUBLE:
            chunks.append(await anext(stream))
        return chunks

    heard = asyncio.run(read())
    assert [heard[0], heard[1], heard[-1]] == [render(event(3)), TROUBLE, render(event(4))]


def test_too_many_streams_are_refused_and_one_that_went_makes_room() -> None:
    async def read() -> float:
        feed = Feed(Desk(1), FeedRules(most_streams=2))
        streams = [await feed.open(None) for _ in range(2)]
        for one in streams:
            await anext(one)
        with pytest.raises(ResourceError, match="too many event streams") as refused:
            await feed.open(None)
        assert refused.value.http_status == 503
        await streams[0].aclose()  # type: ignore[attr-defined]
        await anext(await feed.open(None))
        return feed.meter.value("event_streams_refused_total")

    assert asyncio.run(read()) == 1.0


def test_many_that_come_at_once_are_no_more_than_there_is_room_for() -> None:
    async def read() -> tuple[int, float]:
        feed = Feed(Desk(1), FeedRules(most_streams=2))
        streams = await asyncio.gather(*(feed.open(None) for _ in range(5)))
        begun = [await anext(one, b"") for one in streams]
        return sum(map(bool, begun)), feed.meter.value("event_streams")

    assert asyncio.run(read()) == (2, 2.0)


def test_who_waits_while_the_last_room_is_taken_is_refused_in_words() -> None:
    async def read() -> None:
        desk = Desk(1)
        feed = Feed(desk, FeedRules(most_streams=1))
        first = await feed.open(None)
        answers, answer = asyncio.Event(), desk.newest_event_id

        async def slowly() -> int:
            await answers.wait()
            return await answer()

        desk.newest_event_id = slowly
        second = asyncio.create_task(feed.open(None))
        await asyncio.sleep(0)
        assert await anext(first)
        answers.set()
        with pytest.raises(ResourceError, match="too many"):
            await second

    asyncio.run(read())


def test_a_stream_ends_after_so_much_and_is_resumed_where_it_was() -> None:
    async def read() -> list[list[int]]:
        feed = Feed(Desk(40), FeedRules(kept=40, most_bytes=600))
        first = [ids(chunk) async for chunk in await feed.open("0")]
        second = [ids(chunk) async for chunk in await feed.open("20")]
        return [first[-1], second[-1]]

    assert [found[-1] for found in asyncio.run(read())] == [40, 40]


def test_nobody_listens_and_nobody_asks() -> None:
    async def read() -> tuple[int, int]:
        desk = Desk(1)
        stream = await Feed(desk, FeedRules(heartbeat_s=0.01)).open(None)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        before = len(desk.asked)
        await asyncio.sleep(0.05)
        return before, len(desk.asked)

    before, after = asyncio.run(read())
    assert after == before
