"""Who else was near, in the frames around a view: a face that the detector missed in one frame is hidden there, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfr_ray.records import Faces, Floats, View

AROUND_S = 0.5
"""Frames so long before and after a view count; nothing older is kept."""
UNFOLLOWED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The boxes ``float32 (N, 4)`` of one frame, and whose track each is."""

    index: int
    captured_s: float
    boxes: Floats
    tracks: tuple[int, ...]


class OthersNearby:
    """Boxes of the newest frames of one camera. No pixels."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque()

    def add(self, index: int, captured_s: float, faces: Faces, rows: Mapping[int, int]) -> None:
        """Take in a frame's faces; ``rows`` has of each track its row in them."""
        tracks = {row: track for track, row in rows.items()}
        self._seen.append(
            Seen(index, captured_s, faces.boxes, tuple(tracks.get(n, UNFOLLOWED) for n in range(len(faces))))
        )
        while abs(captured_s - self._seen[0].captured_s) > 2 * AROUND_S:
            self._seen.popleft()

    def others(self, view: View) -> Floats:
        """Everybody but the view's subject, ``float32 (N, 4)``: in its frame, and who is only in frames around it."""
        near = [one for one in self._seen if abs(one.captured_s - view.captured_s) <= AROUND_S]
        here = {track for one in near if one.index == view.frame_index for track in one.tracks}
        found = [
            box
            for one in near
            for box, track in zip(one.boxes, one.tracks, strict=True)
            if track != view.track
            and (one.index == view.frame_index or track not in here)
            and not (one.index == view.frame_index and (box == view.box).all())
        ]
        return np.array(found, np.float32).reshape(-1, 4)

    def clear(self) -> None:
        """Keep nothing."""
        self._seen.clear()
