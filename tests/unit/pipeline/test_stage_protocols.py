"""Models in one process: as many pictures at the same time as there are streams, and alerts before other work."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from lfr_ray.pipeline.stage_protocols import LocalModels
from lfr_ray.records import Embedded, Faces, Picture

CANVAS = np.zeros((32, 32, 3), np.uint8)
LIMIT_S = 20.0


class Together:
    """A detector whose pictures wait for one another, as many as there should be at the same time."""

    card: Any = None

    def __init__(self, streams: int) -> None:
        self._barrier = threading.Barrier(streams)

    def detect(self, pictures: Picture) -> list[Faces]:
        self._barrier.wait(LIMIT_S)
        return [Faces.none()] * len(pictures)


class Held:
    """A detector that does not answer before it is let go."""

    card: Any = None

    def __init__(self) -> None:
        self.free = threading.Event()

    def detect(self, pictures: Picture) -> list[Faces]:
        assert self.free.wait(LIMIT_S)
        return [Faces.none()] * len(pictures)


class Embedder:
    """Gives every chip the same vector."""

    card: Any = None

    def embed(self, chips: Picture) -> Any:
        return self.judged(chips).vectors

    def judged(self, chips: Picture) -> Embedded:
        return Embedded(np.ones((len(chips), 4), np.float32), np.ones(len(chips), np.float32))


@pytest.mark.parametrize("streams", [1, 3])
def test_pictures_are_detected_side_by_side(streams: int) -> None:
    async def scenario() -> None:
        models = LocalModels(Together(streams), Embedder(), streams=streams)
        found = await asyncio.gather(*(models.detect(CANVAS) for _ in range(2 * streams)))
        assert [len(one) for one in found] == [0] * 2 * streams
        models.close()

    asyncio.run(scenario())


def test_an_embedding_does_not_wait_for_detections() -> None:
    async def scenario() -> None:
        detector = Held()
        models = LocalModels(detector, Embedder())
        detecting = [asyncio.create_task(models.detect(CANVAS)) for _ in range(4)]
        embedded = await asyncio.wait_for(models.embed(np.zeros((2, 8, 8, 3), np.uint8)), LIMIT_S)
        assert embedded.vectors.shape == (2, 4)
        assert not any(task.done() for task in detecting)
        detector.free.set()
        await asyncio.gather(*detecting)
        models.close()

    asyncio.run(scenario())
