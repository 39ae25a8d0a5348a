"""The one thread of a process in which its model is loaded and runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class ModelThread:
    """Runs a model's jobs one after another, off the event loop.

    Always the same thread: each new one would bring its own compute threads and its own memory, and two runs at
    once on the same cores only take turns.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")

    def now(self, job: Callable[[], T]) -> T:
        """Run a job and wait for it: for loading and the self-test."""
        return self._pool.submit(job).result()

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, job)

    def close(self) -> None:
        """End the thread when its last job is done."""
        self._pool.shutdown(wait=True)
