"""Has the desk put on record which pictures a camera deleted after use."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from lfr_ray.pipeline.camera_run import CameraRun

if TYPE_CHECKING:
    from lfr_ray.actors.remote_matcher_and_models import RemoteStages

MOST = 50
"""Pictures of one record."""


class Removals:
    """Those of one camera's process; what the desk does not answer for is sent again, under the same numbers."""

    def __init__(self, camera: str, run: CameraRun) -> None:
        self._camera, self._run = camera, run
        self._told, self._turn = 0, asyncio.Lock()

    async def record(self, stages: RemoteStages | None) -> None:
        """Tell the desk of all that came since."""
        removed = self._run.removed
        async with self._turn:  # the fleet asks again before the desk has answered
            while removed and stages is not None:
                some = [*islice(removed, MOST)]
                if not await stages.record_removals(self._camera, self._run.status().run, self._told, some):
                    return
                self._told += len(some)
                for _ in some:
                    removed.popleft()
