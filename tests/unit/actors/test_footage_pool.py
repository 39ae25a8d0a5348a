"""How many recordings are read at the same time: by cores, and by GPUs where those compute."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.actors import footage_pool
from lfr_ray.actors.footage_pool import A_GPU, ClusterFootage
from lfr_ray.config import SiteConfig


@pytest.mark.parametrize(
    ("device", "free", "at_once"),
    [
        ("auto", {"CPU": 64.0}, 64),
        ("auto", {"CPU": 64.0, "GPU": 2.0}, 2 * A_GPU),
        ("cuda", {"CPU": 3.0, "GPU": 1.0}, 3),
        ("cpu", {"CPU": 64.0, "GPU": 2.0}, 64),
        ("auto", {}, 1),
    ],
)
def test_recordings_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, device: Any, free: dict[str, float], at_once: int
) -> None:
    monkeypatch.setattr(footage_pool.ray, "available_resources", lambda: free)
    assert ClusterFootage(SiteConfig(site="pier", device=device)).at_once == at_once
