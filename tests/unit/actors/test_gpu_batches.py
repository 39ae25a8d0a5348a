"""What comes while a GPU works is its next batch, as much of it as fits; an idle one waits a moment for more."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lfr_ray.actors.gpu_batches import Batches
from lfr_ray.errors import ModelError


class Model:
    """Doubles numbers, once it is let go; it knows its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.let_go = threading.Event(), threading.Event()

    def work(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.begun.set()
        assert self.let_go.wait(10.0)
        if -1 in items:
            raise ModelError("no memory")
        return [2 * item for item in items]


async def asked(batches: Batches[int, int], items: range | list[int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(batches.ask(item)) for item in items]
    await asyncio.sleep(0)  # each has begun
    return tasks


def test_what_comes_while_it_works_is_the_next_batch() -> None:
    model = Model()

    async def scenario(threads: ThreadPoolExecutor) -> None:
        batches = Batches(model.work, threads, 4, 0.0)
        first = await asked(batches, [1])
        await asyncio.to_thread(model.begun.wait, 10.0)
        rest = await asked(batches, range(2, 8))
        rest[0].cancel()
        await asyncio.sleep(0)
        model.let_go.set()
        assert await asyncio.gather(*first, *rest[1:]) == [2, 6, 8, 10, 12, 14]

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(scenario(threads))
    assert model.batches == [[1], [3, 4, 5], [6, 7]], "in order, without what nobody waits for"


def test_an_idle_one_waits_until_the_batch_is_full_and_no_longer() -> None:
    model = Model()
    model.let_go.set()

    async def scenario(threads: ThreadPoolExecutor) -> None:
        patient = Batches(model.work, threads, 3, 60.0)
        assert await asyncio.wait_for(asyncio.gather(*await asked(patient, [1, 2, 3])), 10) == [2, 4, 6]
        assert await asyncio.wait_for(asyncio.gather(*await asked(patient, [4, 5, 6])), 10) == [8, 10, 12]
        brief = Batches(model.work, threads, 3, 0.001)
        assert await asyncio.wait_for(brief.ask(7), 10) == 14

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(scenario(threads))
    assert model.batches == [[1, 2, 3], [4, 5, 6], [7]]


def test_who_sent_what_fails_is_told_alone_and_the_next_batch_goes_on() -> None:
    model = Model()
    model.let_go.set()

    async def scenario(threads: ThreadPoolExecutor) -> None:
        batches = Batches(model.work, threads, 3, 0.0)
        bad, *good = await asyncio.gather(*await asked(batches, [-1, 1, 2]), return_exceptions=True)
        assert (type(bad), good) == (ModelError, [2, 4])
        with pytest.raises(ModelError):
            await batches.ask(-1)
        assert await batches.ask(3) == 6

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(scenario(threads))
    assert model.batches == [[-1, 1, 2], [-1], [1], [2], [-1], [3]], "each alone, once"


@pytest.mark.parametrize("most", [1, 2])
def test_nobody_is_forgotten(most: int) -> None:
    model = Model()
    model.let_go.set()

    async def scenario(threads: ThreadPoolExecutor) -> list[int]:
        batches = Batches(model.work, threads, most, 0.0)
        return list(await asyncio.gather(*map(batches.ask, range(100))))

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(scenario(threads)) == [2 * item for item in range(100)]
