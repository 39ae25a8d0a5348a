"""Requests of many cameras as batches for a GPU: what comes while it works is the next batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Batches(Generic[ItemT, ResultT]):
    """Gives a model what waits for it, up to so much at a time.

    Serve's own batching closes a batch some milliseconds after its first request, also while the model works on
    another, so that batches stay small however much waits. Here only a model that is idle waits for more.

    Args:
        work: Gives the results of some items, in their order; called in one of ``threads``.
        threads: Where it works.
        most: Items of one batch.
        wait_s: For so long a model that is idle waits for more than one item.
    """

    def __init__(
        self, work: Callable[[list[ItemT]], list[ResultT]], threads: Executor, most: int, wait_s: float
    ) -> None:
        self._work, self._threads = work, threads
        self._most, self._wait_s = most, wait_s
        self._waiting: deque[tuple[ItemT, asyncio.Future[ResultT]]] = deque()
        self._full = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    async def ask(self, item: ItemT) -> ResultT:
        """The result for one item, or what the work raises for that item alone."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[ResultT] = loop.create_future()
        self._waiting.append((item, answer))
        if len(self._waiting) >= self._most:
            self._full.set()
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work_off())
        return await answer

    async def _work_off(self) -> None:
        if len(self._waiting) < self._most:
            self._full.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._wait_s)
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
            batch = [(item, answer) for item, answer in batch if not answer.done()]  # nobody waits for some any more
            if batch:
                await self._answer(batch)

    async def _answer(self, batch: list[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        items = [item for item, _ in batch]
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._threads, self._work, items)
        except Exception as error:  # noqa: BLE001  (whoever asked is told)
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(error)
                return
        else:
            for (_, answer), result in zip(batch, results, strict=True):
                if not answer.done():
                    answer.set_result(result)
            return
        for one in batch:  # each alone, once: a camera's bad picture is its own error, and nobody else's
            if not one[1].done():
                await self._answer([one])
