"""What a camera asks of models, matcher and alert desk, in its own process or across a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import numpy as np

from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.models.cores_and_threads import model_threads
from lfr_ray.records import Answer, Embedded, Faces, Frame, Picture, Probe, Sighting

T = TypeVar("T")


class FrameSource(Protocol):
    """Where a camera's frames come from."""

    async def get_async(self) -> Frame | None:
        """The next frame, waiting for it; None when there will be no more."""


class Stages(Protocol):
    """What a camera asks of others."""

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas, ``uint8 (H, W, 3)`` RGB, in its pixels."""

    async def embed(self, chips: Picture) -> Embedded:
        """Vectors of chips ``uint8 (N, h, w, 3)``, and how stable each is."""

    async def embed_second(self, chips: Picture) -> Embedded:
        """The same by the second model, with its own chips."""

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe."""

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns only when the alert is durable; may be repeated with the same sighting."""


class LocalModels:
    """The models in this process, off the event loop; the second one where an alert needs two.

    Each works on ``streams`` pictures at the same time.
    """

    def __init__(
        self, detector: Detector, embedder: Embedder, second: Embedder | None = None, streams: int = 1
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._second = second
        self._detecting = model_threads(streams)
        # Of their own: only comparing those who were found keeps an alert waiting.
        self._embedding = model_threads(streams)

    async def detect(self, canvas: Picture) -> Faces:
        """Faces of one canvas."""
        return (await _run(self._detecting, lambda: self._detector.detect(canvas[np.newaxis])))[0]

    async def embed(self, chips: Picture) -> Embedded:
        """Vectors of chips, and how stable each is."""
        return await _run(self._embedding, lambda: self._embedder.judged(chips))

    async def embed_second(self, chips: Picture) -> Embedded:
        """Vectors of chips by the second model."""
        second = self._second
        assert second is not None
        return await _run(self._embedding, lambda: second.judged(chips))

    def close(self) -> None:
        """End the models' threads."""
        self._detecting.shutdown()
        self._embedding.shutdown()


async def _run(threads: ThreadPoolExecutor, job: Callable[[], T]) -> T:
    """A job beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(threads, job)
