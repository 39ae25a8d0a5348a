"""A replica as on a GPU, without a weight file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lfr_ray.actors.gpu_batches import Batches


@pytest.fixture
def batched() -> Iterator[Callable[..., Any]]:
    """Makes a replica with this model, to be used in one event loop: it waits until so many requests are a batch."""
    with ThreadPoolExecutor(1) as threads:

        def make(kind: Any, most: int, **model: object) -> Any:
            replica = kind.__new__(kind)
            vars(replica).update(model, _threads=threads, _in_streams=False)
            replica._batches = Batches(replica._together, threads, most, 10.0)
            return replica

        yield make
