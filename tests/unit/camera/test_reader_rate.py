"""The rate that a camera's status shows."""

from __future__ import annotations

from collections import deque

import pytest

from lfr_ray.camera.camera_reader import RATE_WINDOW_S
from lfr_ray.camera.frame_pace import rate


def _rate(times_s: deque[float], now_s: float) -> float:
    return rate(times_s, next(iter(times_s), None), now_s, RATE_WINDOW_S)


def test_the_rate_is_that_of_the_time_that_passed() -> None:
    steady = deque(index / 25 for index in range(2_500))
    assert _rate(steady, 100.0) == pytest.approx(25, rel=0.02)


def test_a_burst_after_a_reconnection_is_no_rate() -> None:
    burst = deque(100.0 + index * 0.001 for index in range(50))
    assert _rate(burst, 100.05) == 0.0
    assert _rate(burst, 105.0) == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("fps", [0.2, 1.0])
def test_slow_cameras_have_a_rate(fps: float) -> None:
    assert _rate(deque(index / fps for index in range(40)), 39 / fps + 0.1) == pytest.approx(fps, rel=0.2)


def test_a_camera_that_stopped_loses_its_rate() -> None:
    assert _rate(deque(index / 25 for index in range(250)), 10 + 2 * RATE_WINDOW_S) == 0.0
    assert _rate(deque(), 5.0) == 0.0
