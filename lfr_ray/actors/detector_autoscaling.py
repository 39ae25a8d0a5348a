"""How many detectors Serve keeps: by the share of the frames that cameras let go because no detector was free.

A site file names it in Serve's part, as ``policy_function`` of the policy:
``lfr_ray.actors.detector_autoscaling:by_frames_missed``. Serve takes the function into its controller by value, so it
uses nothing but constants of this file.
"""

from __future__ import annotations

from collections import deque
from typing import Any

MISSED = "frames_missed"
"""The name of the share among the figures that Serve collects of each replica."""

UNKNOWN = -1.0

TOLERATED = 0.1
"""So large a share brings no replica: now and then a frame comes a little early."""

MOST = 0.9
"""A larger share asks for no more than ten times the replicas at once."""

LATELY_TOLD, LATELY_S = 10, 10.0
"""Over so many figures of a camera, one a second; what a camera told before so long holds no more."""


def by_frames_missed(context: Any) -> tuple[float, dict[str, Any]]:
    """Replicas that are wanted: as many as the requests in flight ask for, and while frames are missed as many more.

    Args:
        context: Serve's ``AutoscalingContext``; it waits for the delays and keeps the bounds of the site file.
    """
    asked = context.total_num_requests / context.config.get_target_ongoing_requests()
    newest = [series[-1].value for series in (context.raw_metrics or {}).get(MISSED, {}).values() if series]
    shares = [one for one in newest if one >= 0]
    missed = sum(shares) / len(shares) if shares else 0.0
    if missed <= TOLERATED:
        return asked, {}
    return max(asked, context.target_num_replicas, context.current_num_replicas / (1 - min(missed, MOST))), {}


class MissedFrames:
    """What cameras told one replica with their frames."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, float]] = {}

    def tell(self, camera: str, share: float, now_s: float) -> None:
        """Note a camera's share."""
        self._told[camera] = share, now_s

    def share(self, now_s: float) -> float:
        """The mean over cameras that told lately; :data:`UNKNOWN` where none did."""
        self._told = {camera: one for camera, one in self._told.items() if now_s - one[1] < LATELY_S}
        return sum(share for share, _ in self._told.values()) / len(self._told) if self._told else UNKNOWN


class Drops:
    """The share of one camera's newest frames that were replaced by newer ones before anybody looked."""

    def __init__(self) -> None:
        self._counted: deque[tuple[int, int]] = deque(maxlen=LATELY_TOLD + 1)

    def share(self, frames: int, dropped: int) -> float:
        """To be called once a second, with what was counted since the start."""
        self._counted.append((frames, dropped))
        first_frames, first_dropped = self._counted[0]
        return min(1.0, (dropped - first_dropped) / max(1, frames - first_frames))
