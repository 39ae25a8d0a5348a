"""How many recordings are read at the same time: by cores, or by GPUs, of which each has its share."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.actors import footage_pool
from lfr_ray.actors.footage_pool import A_GPU, ClusterFootage
from lfr_ray.config import SiteConfig

TWO_CARDS = [{"CPU": 64.0, "GPU": 2.0}]


@pytest.mark.parametrize(
    ("device", "free", "nodes", "at_once", "gpus"),
    [
        ("auto", {"CPU": 64.0}, [{"CPU": 64.0}], 64, 0.0),
        ("auto", {"CPU": 64.0, "GPU": 2.0}, TWO_CARDS, 2 * A_GPU, 1 / A_GPU),
        ("cuda", {"CPU": 3.0, "GPU": 1.0}, [{"CPU": 8.0, "GPU": 1.0}], 3, 1 / A_GPU),
        ("auto", {"CPU": 66.0, "GPU": 1.0}, [{"CPU": 64.0}, {"CPU": 2.0, "GPU": 1.0}], 2, 1 / A_GPU),
        ("auto", {"CPU": 64.0, "GPU": 0.2}, TWO_CARDS, 64, 0.0),
        ("cpu", {"CPU": 64.0, "GPU": 2.0}, TWO_CARDS, 64, 0.0),
        ("auto", {}, [], 1, 0.0),
    ],
)
def test_recordings_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
    device: Any,
    free: dict[str, float],
    nodes: list[dict[str, float]],
    at_once: int,
    gpus: float,
) -> None:
    made: list[float] = []
    alive = [{"Alive": True, "Resources": one} for one in nodes]
    lost = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
    monkeypatch.setattr(footage_pool.ray, "available_resources", lambda: free)
    monkeypatch.setattr(footage_pool.ray, "nodes", lambda: [lost, *alive])
    monkeypatch.setattr(footage_pool, "footage_worker", lambda _site, _number, share: made.append(share))
    pool = ClusterFootage(SiteConfig(site="pier", device=device))
    assert pool.at_once == at_once
    pool._make_worker()
    assert made == [gpus]
