"""What one camera's chain counts and times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from lfr_ray.clock import Clock
from lfr_ray.metrics import Meter

log = structlog.get_logger()


class CameraCounts:
    """A meter that adds the camera's name to every count.

    Args:
        meter: Where it counts.
        clock: Measures durations.
        camera: The camera's name.
    """

    def __init__(self, meter: Meter, clock: Clock, camera: str) -> None:
        self._meter = meter
        self._clock = clock
        self._camera = camera

    def add(self, name: str, by: float = 1, **labels: str) -> None:
        """Count something of this camera."""
        self._meter.count(name, by, camera=self._camera, **labels)

    def lasted(self, name: str, seconds: float, **labels: str) -> None:
        """Note a duration."""
        self._meter.time(name, seconds, camera=self._camera, **labels)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long the block took, unless it failed."""
        began_s = self._clock.steady_s()
        yield
        self.lasted(name, self._clock.steady_s() - began_s)

    def failed(self, stage: str, error: Exception) -> None:
        """Count and log a failure. Only its kind is logged: its text could quote data."""
        self.add("stage_failures_total", stage=stage)
        log.warning("stage failed", camera=self._camera, stage=stage, error=type(error).__name__)
