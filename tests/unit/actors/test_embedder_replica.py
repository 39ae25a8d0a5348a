"""On a GPU chips of several cameras are embedded together, and each camera gets the vectors of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from lfr_ray.actors.embedder_replica import EmbedderReplica
from lfr_ray.errors import ModelError
from lfr_ray.records import Embedded, Picture


class Marked:
    """An embedder whose vector is the chip's first value; it knows how many chips it was given at a time."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def judged(self, chips: Picture) -> Embedded:
        self.batches.append(len(chips))
        values = chips[:, 0, 0, :1].astype(np.float32)
        return Embedded(values, values[:, 0] / 100)


def test_each_camera_gets_the_vectors_of_its_own_chips(batched: Callable[..., Any]) -> None:
    lots, marked = [[1, 2], [3], [4, 5, 6]], Marked()

    async def together() -> list[Embedded]:
        replica = batched(EmbedderReplica, len(lots), _embedder=marked)
        chips = [np.full((len(lot), 4, 4, 3), np.array(lot)[:, None, None, None], np.uint8) for lot in lots]
        return list(await asyncio.gather(*map(replica.judged, chips)))

    found = asyncio.run(together())
    assert [one.vectors[:, 0].tolist() for one in found] == lots
    assert [(100 * one.stability).round().tolist() for one in found] == lots
    assert marked.batches == [6]
    assert all(one.worked[0] <= one.worked[1] for one in found)


class Suspicious(Marked):
    """Fails with any batch in which a chip is white."""

    def judged(self, chips: Picture) -> Embedded:
        if chips.max() == 255:
            raise ModelError("a vector of no length")
        return super().judged(chips)


def test_a_bad_chip_costs_only_its_own_camera(batched: Callable[..., Any]) -> None:
    async def together() -> list[Embedded | BaseException]:
        replica = batched(EmbedderReplica, 2, _embedder=Suspicious())
        chips = [np.full((1, 4, 4, 3), value, np.uint8) for value in (255, 7)]
        return list(await asyncio.gather(*map(replica.judged, chips), return_exceptions=True))

    bad, good = asyncio.run(together())
    assert isinstance(bad, ModelError)
    assert isinstance(good, Embedded)
    assert good.vectors.tolist() == [[7.0]]
