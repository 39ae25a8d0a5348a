"""Tells the event stream when matching is stopped or paused, whoever did it and from whichever process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.emergency_stop import Halts

LOOK_EVERY_S = 0.5


class SwitchWatch:
    """Looks at the two switches of a site; ``tell`` takes a condition and its reason, empty while there is none."""

    def __init__(self, data_dir: DataDir, tell: Callable[[str, str], None]) -> None:
        self._halts = Halts(data_dir)
        self._tell = tell
        self._refusal = ""

    def refused(self, reason: str) -> None:
        """Why a comparison was refused lately; empty when they are made."""
        self._refusal = reason

    def look(self) -> None:
        """Say what began and what ended."""
        halted = self._halts.texts()
        self._tell("stop", halted.get("stop", ""))
        self._tell("breaker", halted.get("pause", ""))
        self._tell("refusal", self._refusal)

    def gauges(self) -> Mapping[str, float]:
        """Gauges of :mod:`lfr_ray.metrics`."""
        halted = self._halts.read()
        return {"matching_stopped": float("stop" in halted), "breaker_paused": float("pause" in halted)}

    async def run(self) -> None:
        """Look again and again."""
        while True:
            with contextlib.suppress(LfrError):  # the database does not answer just now: the next look tells it
                await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_EVERY_S)
