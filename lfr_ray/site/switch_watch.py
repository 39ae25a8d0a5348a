"""Tells the event stream when matching is stopped or paused, whoever did it and from whichever process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.stop import breaker_pause, emergency_stop

LOOK_EVERY_S = 0.5


class SwitchWatch:
    """Looks at the two switches of a site.

    Args:
        data_dir: Where they are.
        tell: Takes a condition and its reason, empty while there is none (``AlertService.tell``).
    """

    def __init__(self, data_dir: DataDir, tell: Callable[[str, str], None]) -> None:
        self._switches = {"stop": emergency_stop(data_dir), "breaker": breaker_pause(data_dir)}
        self._tell = tell
        self._refusal = ""

    def refused(self, reason: str) -> None:
        """Why a comparison was refused lately; empty when they are made."""
        self._refusal = reason

    def look(self) -> None:
        """Say what began and what ended."""
        for condition, switch in self._switches.items():
            self._tell(condition, switch.refusal())
        self._tell("refusal", self._refusal)

    def gauges(self) -> Mapping[str, float]:
        """Gauges of :mod:`lfr_ray.metrics`."""
        return {
            "matching_stopped": float(self._switches["stop"].is_set()),
            "breaker_paused": float(self._switches["breaker"].is_set()),
        }

    async def run(self) -> None:
        """Look again and again."""
        while True:
            with contextlib.suppress(LfrError):  # the database does not answer just now: the next look tells it
                await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_EVERY_S)
