"""Serve's batches without Serve."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from ray.serve.batching import _BatchQueue

from lfr_ray.actors.detector_replica import DetectorReplica
from lfr_ray.actors.embedder_replica import EmbedderReplica


@pytest.fixture
def _batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve has one line of requests a process, and asks its replica how much that may hold, only to warn."""
    kinds: tuple[Any, ...] = (DetectorReplica, EmbedderReplica)
    lines = [kind._batch.set_max_batch_size.__self__ for kind in kinds]
    monkeypatch.setattr(_BatchQueue, "_warn_if_max_batch_size_exceeds_max_ongoing_requests", lambda _: None)
    monkeypatch.setattr(_BatchQueue, "__del__", lambda _: None)  # it would make an event loop that nobody closes
    for line in lines:
        monkeypatch.setattr(line, "_queue", None)
    yield
    for line in lines:
        line._queue = None
    gc.collect()
