"""A detector says for how long a picture waited for its turn, and when it was worked on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from lfr_ray.actors.detector_replica import DetectorReplica
from lfr_ray.records import Faces, Picture

CANVAS = np.zeros((32, 32, 3), np.uint8)


class Held:
    """A detector that gives no answer before it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def detect(self, pictures: Picture) -> list[Faces]:
        self.begun.release()
        assert self.let_go.wait(10.0)
        return [Faces.none() for _ in pictures]


async def two_at_once(held: Held, threads: int) -> list[Faces]:
    replica: Any = DetectorReplica.__new__(DetectorReplica)  # its model, without a weight file
    with ThreadPoolExecutor(threads) as replica._threads:
        replica._detector, replica._in_streams = held, True
        asked = [asyncio.create_task(replica.detect(CANVAS)) for _ in range(2)]
        for _ in range(threads):
            assert await asyncio.to_thread(held.begun.acquire, timeout=10.0)
        await asyncio.gather(*(asyncio.to_thread(lambda: None) for _ in range(20)))  # some time passes
        held.let_go.set()
        return list(await asyncio.gather(*asked))


def test_the_second_picture_waits_for_the_first_one() -> None:
    first, second = asyncio.run(two_at_once(Held(), threads=1))
    assert second.waited_s > first.waited_s
    assert second.waited_s >= first.worked[1] - first.worked[0] - 0.001
    assert second.worked[0] >= first.worked[1]


def test_with_a_stream_for_each_nobody_waits() -> None:
    first, second = asyncio.run(two_at_once(Held(), threads=2))
    assert second.worked[0] < first.worked[1]
