"""Serve's batches without Serve."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ray.serve.batching import _BatchQueue


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Makes a replica as on a GPU, with this model: it waits until so many requests are a batch.

    Serve has one line of requests a process, and asks its replica how much that may hold, only to warn.
    """
    lines: list[Any] = []
    monkeypatch.setattr(_BatchQueue, "_warn_if_max_batch_size_exceeds_max_ongoing_requests", lambda _: None)
    monkeypatch.setattr(_BatchQueue, "__del__", lambda _: None)  # it would make an event loop that nobody closes
    with ThreadPoolExecutor(1) as threads:

        def make(kind: Any, most: int, **model: object) -> Any:
            lines.append(kind._batch.set_max_batch_size.__self__)
            monkeypatch.setattr(lines[-1], "_queue", None)
            replica = kind.__new__(kind)  # without a weight file
            replica._threads, replica._in_streams = threads, False
            replica._batch.set_max_batch_size(most)
            replica._batch.set_batch_wait_timeout_s(10.0)
            vars(replica).update(model)
            return replica

        yield make
    for line in lines:
        line._queue = None
    gc.collect()
