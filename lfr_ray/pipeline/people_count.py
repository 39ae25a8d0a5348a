"""About how many people a camera saw: tracklets joined by place and time alone, never by what a face looks like.

Of a tracklet that has ended, a place, a size and a moment are kept for less than a second: no picture, no vector.
Where a new one begins there, it is taken for the same person who looked away. Whoever leaves and comes back is counted
again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lfr_ray.records import Floats, box_sizes_px

JOIN_S = 0.8
"""After a track's end. Nothing of a face is kept for longer than a second, so that whoever looks away for longer is
counted again."""

REACH = 1.0
"""How far from its last place a face may appear again, in its own sizes, and as far again for each second."""

ALIKE = 2.0
"""Largest ratio of two sizes of one person's face a few seconds apart."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where and when a face was seen last, pixels and seconds."""

    track: int
    x_px: float
    y_px: float
    size_px: float
    at_s: float


class PeopleEstimate:
    """One camera's; see above.

    >>> import numpy as np
    >>> people, box = PeopleEstimate(), np.array([[10, 10, 50, 50]], np.float32)
    >>> people.look({1: 0}, box, 0.0, 0.8)
    1
    >>> people.end([1])
    >>> people.look({2: 0}, box, 1.5, 0.8), people.look({3: 0}, box + 400, 1.5, 0.8)
    (0, 1)
    """

    def __init__(self) -> None:
        self._here: dict[int, Spot] = {}
        self._gone: list[Spot] = []

    def look(self, rows: Mapping[int, int], boxes: Floats, at_s: float, lost_s: float) -> int:
        """Take a frame's tracks, rows of ``boxes`` ``float32 (N, 4)`` px; gives how many people came newly into view.

        A track may be without a detection for ``lost_s`` before it ends.
        """
        # One that is out of sight, but has not ended, may begin anew as another track.
        self.end([track for track in self._here if track not in rows])
        self._gone = [one for one in self._gone if at_s - one.at_s <= JOIN_S + lost_s]
        new = 0
        for track, row in rows.items():
            left, top, right, bottom = map(float, boxes[row])
            spot = Spot(track, (left + right) / 2, (top + bottom) / 2, float(box_sizes_px(boxes[row])), at_s)
            if track not in self._here:
                same = [one for one in self._gone if one.track == track or _may_be(one, spot)]
                if same:
                    self._gone.remove(min(same, key=lambda one: (one.track != spot.track, _apart(one, spot))))
                new += not same
            self._here[track] = spot
        return new

    def end(self, tracks: Iterable[int]) -> None:
        """These tracks will never come back."""
        self._gone += [self._here.pop(track) for track in tracks if track in self._here]

    def clear(self) -> None:
        """Forget everybody's place."""
        self._here.clear()
        self._gone.clear()


def _apart(one: Spot, other: Spot) -> float:
    return math.hypot(one.x_px - other.x_px, one.y_px - other.y_px)


def _may_be(before: Spot, now: Spot) -> bool:
    small, large = sorted((before.size_px, now.size_px))
    reach_px = large * REACH * (1.0 + now.at_s - before.at_s)
    return large <= ALIKE * small and _apart(before, now) <= reach_px
