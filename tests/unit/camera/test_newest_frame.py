"""The hand-over: newest wins, or nobody is lost; from threads and from event loops."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from lfr_ray.camera.newest_frame import EveryFrame, Mailbox, NewestFrame
from lfr_ray.records import Frame
from tests.mailboxes import next_frame

PIXELS = np.zeros((2, 2, 3), np.uint8)


def frame(index: int) -> Frame:
    return Frame("gate", index, index / 10, 1_000.0 + index, PIXELS)


def index_of(taken: Frame | None) -> int | None:
    return None if taken is None else taken.index


def test_the_newest_frame_wins_and_the_losses_are_counted() -> None:
    box = NewestFrame()
    assert all(box.put(frame(index)) for index in range(5))
    assert box.dropped == 4
    assert index_of(next_frame(box, 0)) == 4
    assert next_frame(box, 0) is None


def test_a_taken_frame_is_not_a_dropped_one() -> None:
    box = NewestFrame()
    for index in range(3):
        box.put(frame(index))
        assert index_of(next_frame(box, 0)) == index
    assert box.dropped == 0


@pytest.mark.parametrize("kind", [NewestFrame, EveryFrame])
def test_closing_keeps_what_is_inside_and_accepts_no_more(kind: type[Mailbox]) -> None:
    box = kind()
    box.put(frame(1))
    box.close()
    assert not box.put(frame(2))
    assert not box.ended
    assert index_of(next_frame(box)) == 1
    assert box.ended
    assert next_frame(box) is None
    assert asyncio.run(box.get_async()) is None


@pytest.mark.parametrize("kind", [NewestFrame, EveryFrame])
def test_a_waiting_reader_is_woken_by_a_frame_and_by_closing(kind: type[Mailbox]) -> None:
    box = kind()
    taken: list[int | None] = []
    reader = threading.Thread(target=lambda: taken.extend(index_of(next_frame(box, 10)) for _ in range(2)))
    reader.start()
    box.put(frame(7))
    while next_frame(box, 0) is None and not taken:
        pass
    box.close()
    reader.join(10)
    assert not reader.is_alive()
    assert taken[-1] is None


def test_every_frame_arrives_in_order_although_the_reader_is_slower() -> None:
    box = EveryFrame(places=2)
    writer = threading.Thread(target=lambda: [*(box.put(frame(index)) for index in range(200)), box.close()])
    writer.start()
    seen = []
    while not box.ended:
        seen.append(index_of(next_frame(box, 10)))
        assert len(box._frames) <= 2
    writer.join(10)
    assert seen == list(range(200))
    assert box.dropped == 0


def test_closing_frees_a_writer_that_waits_for_room() -> None:
    box = EveryFrame(places=1)
    box.put(frame(0))
    accepted: list[bool] = []
    writer = threading.Thread(target=lambda: accepted.append(box.put(frame(1))))
    writer.start()
    box.close()
    writer.join(10)
    assert accepted == [False]


def test_clearing_forgets_the_frames_and_makes_room() -> None:
    box = EveryFrame(places=1)
    box.put(frame(0))
    writer = threading.Thread(target=lambda: box.put(frame(1)))
    writer.start()
    box.clear()
    writer.join(10)
    assert index_of(next_frame(box, 0)) == 1


def test_an_event_loop_waits_without_a_thread() -> None:
    box = NewestFrame()

    async def main() -> list[int | None]:
        asyncio.get_running_loop().call_later(0.01, threading.Thread(target=box.put, args=(frame(3),)).start)
        first = await box.get_async(10)
        asyncio.get_running_loop().call_later(0.01, box.close)
        return [index_of(first), index_of(await box.get_async(10))]

    assert asyncio.run(main()) == [3, None]


def test_an_event_loop_gives_up_after_its_timeout() -> None:
    assert asyncio.run(NewestFrame().get_async(0.01)) is None


def test_a_cancelled_reader_loses_no_frame_and_leaves_nothing_behind() -> None:
    box = NewestFrame()

    async def main() -> int | None:
        waiting = asyncio.ensure_future(box.get_async())
        await asyncio.sleep(0)
        box.put(frame(5))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return index_of(await box.get_async(1))

    assert asyncio.run(main()) == 5
    assert box._waiters == []


def test_a_loop_that_was_closed_while_it_waited_disturbs_nobody() -> None:
    box = NewestFrame()
    loop = asyncio.new_event_loop()
    task = loop.create_task(box.get_async())
    loop.run_until_complete(asyncio.sleep(0))
    waiters = list(box._waiters)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    box._waiters = waiters
    assert box.put(frame(1))
    assert index_of(next_frame(box, 0)) == 1


def test_two_loops_share_the_frames() -> None:
    box = EveryFrame(places=4)
    seen: list[int | None] = []

    async def take() -> None:
        while (taken := await box.get_async(10)) is not None:
            seen.append(taken.index)

    readers = [threading.Thread(target=lambda: asyncio.run(take())) for _ in range(2)]
    for reader in readers:
        reader.start()
    for index in range(100):
        box.put(frame(index))
    box.close()
    for reader in readers:
        reader.join(10)
    assert sorted(seen) == list(range(100))
