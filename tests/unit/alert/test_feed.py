"""Server-sent events: rendered so that any client reads them, resumed where it left off."""

from __future__ import annotations

import asyncio
import json

import pytest

from lfr_ray.alert.feed import HEARTBEAT, TROUBLE, FeedRules, render, resume_after, stream
from lfr_ray.errors import InputError, StoreError
from lfr_ray.records import FeedEvent


class ScriptedSource:
    """Answers as it was told, then nothing any more."""

    def __init__(self, *answers: list[FeedEvent] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []

    async def events_after(self, event_id: int, wait_s: float, reader: str = "") -> list[FeedEvent]:
        self.asked.append(event_id)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer


def event(number: int, reason: str = "") -> FeedEvent:
    return FeedEvent(number, "alert_raised", 0.0, "a1", reason, None)


def take(source: ScriptedSource, after: int, count: int, rules: FeedRules | None = None) -> list[bytes]:
    async def taken() -> list[bytes]:
        chunks = []
        async for chunk in stream(source, after, rules or FeedRules(trouble_s=0.0)):
            chunks.append(chunk)
            if len(chunks) == count:
                break
        return chunks

    return asyncio.run(taken())


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
    (first,) = take(ScriptedSource(), 41, 1)
    assert b"id: 41\n" in first
    assert first.startswith(b"retry: 2000\n")
    assert first.endswith(b"\n\n")


def test_every_event_once_in_order_and_heartbeats_in_silence() -> None:
    source = ScriptedSource([event(3), event(4)], [], [event(9)])
    chunks = take(source, 2, 5)
    assert chunks[1:] == [render(event(3)), render(event(4)), HEARTBEAT, render(event(9))]
    assert source.asked == [2, 4, 4]


def test_a_desk_that_does_not_answer_ends_no_stream() -> None:
    source = ScriptedSource(StoreError("the disk is full"), [event(3)])
    assert take(source, 2, 3)[1:] == [TROUBLE, render(event(3))]
