"""What a camera's chain waits for where its clock runs slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.clock import SlowClock
from lfr_ray.pipeline.camera_chain import COMPARISON_LIMIT_S


@pytest.mark.parametrize(("times", "failures"), [(3.9, 0), (4.1, 1)])
def test_where_time_passes_slowly_a_comparison_has_as_much_longer(
    chain: Callable[..., Any], times: float, failures: int
) -> None:
    one = chain(lambda index: [])
    one.steps.clock = SlowClock(one.clock, 4.0)
    one.steps._comparison = SimpleNamespace(compare=lambda _: asyncio.sleep(times * COMPARISON_LIMIT_S))
    one.run(one.steps._compare(SimpleNamespace(views=[])))
    assert one.count("stage_failures_total", stage="compare") == failures
