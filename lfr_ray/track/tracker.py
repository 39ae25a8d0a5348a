"""Following faces from frame to frame with ByteTrack, in seconds instead of frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from ultralytics.trackers.basetrack import TrackState
from ultralytics.trackers.byte_tracker import BYTETracker

from lfr_ray.config import TrackConfig
from lfr_ray.records import Faces

FIRST_INTERVAL_S = 0.1
"""Time between frames that is assumed until two frames have been seen."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One frame's faces as tracks.

    Attributes:
        rows: Track id -> row of the frame's :class:`Faces`.
        ended: Tracks that will never come back; their data can be dropped now.
    """

    rows: dict[int, int] = field(default_factory=dict)
    ended: tuple[int, ...] = ()


class FaceTracker:
    """The tracks of one camera.

    A track that has not been detected for ``lost_s`` seconds has ended. ByteTrack counts in frames, and
    a live camera's frames come unevenly, so the number of frames is derived from the pace that was seen.
    Track ids start at 1 and are never used twice by one tracker.
    """

    def __init__(self, config: TrackConfig) -> None:
        self._config = config
        self._tracker = self._fresh()
        self._alive: set[int] = set()
        self._offset = 0
        self._highest = 0
        self._last_s: float | None = None
        self._interval_s = FIRST_INTERVAL_S

    def update(self, faces: Faces, captured_s: float) -> Tracked:
        """Add one frame's faces.

        Args:
            faces: What the detector found, in pixels of the frame.
            captured_s: Time of the frame on the camera's own timeline.

        Returns:
            The tracks seen in this frame and those that ended with it. After a gap longer than ``lost_s``, or
            a jump backwards, all older tracks end: nobody may be carried over a gap as the same person.
        """
        broken = self._pace(captured_s)
        ended = self.finish() if broken else ()
        self._tracker.max_frames_lost = max(1, math.ceil(self._config.lost_s / self._interval_s))
        rows = self._tracker.update(_Results(faces.boxes, faces.scores))
        # ByteTrack keeps removed tracks among the lost for another frame, and a list of a thousand old ones.
        self._tracker.lost_stracks = [one for one in self._tracker.lost_stracks if one.state != TrackState.Removed]
        self._tracker.removed_stracks.clear()
        seen = {int(row[4]) + self._offset: int(row[7]) for row in rows}
        living = {
            int(track.track_id) + self._offset
            for track in (*self._tracker.tracked_stracks, *self._tracker.lost_stracks)
            if track.is_activated
        }
        gone = self._alive - living - seen.keys()
        self._alive = (self._alive | seen.keys()) - gone
        self._highest = max(self._highest, *seen.keys(), self._offset) if seen else self._highest
        return Tracked(seen, (*ended, *sorted(gone)))

    def finish(self) -> tuple[int, ...]:
        """End every track: the recording is over or the stream broke.

        Returns:
            The tracks that were alive.
        """
        ended = tuple(sorted(self._alive))
        self._alive = set()
        self._offset = self._highest
        self._tracker = self._fresh()
        return ended

    def _pace(self, captured_s: float) -> bool:
        """Learn the time between frames; True when the timeline broke."""
        last_s, self._last_s = self._last_s, captured_s
        if last_s is None:
            return False
        gap_s = captured_s - last_s
        if gap_s < 0 or gap_s > self._config.lost_s:
            return True
        if gap_s > 0:
            self._interval_s += 0.2 * (gap_s - self._interval_s)
        return False

    def _fresh(self) -> Any:
        return BYTETracker(
            SimpleNamespace(
                track_high_thresh=self._config.high_score,
                track_low_thresh=self._config.low_score,
                new_track_thresh=self._config.new_score,
                track_buffer=30,
                match_thresh=self._config.match_cost,
                fuse_score=False,
            )
        )


class _Results:
    """The shape in which ByteTrack takes detections."""

    def __init__(self, boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> None:
        self.xyxy = boxes
        self.conf = scores
        self.cls = np.zeros(len(scores), np.float32)

    @property
    def xywh(self) -> npt.NDArray[np.float32]:
        """Centre x, centre y, width, height."""
        corner, size = self.xyxy[:, :2], self.xyxy[:, 2:] - self.xyxy[:, :2]
        return np.concatenate([corner + size / 2, size], axis=1)

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, rows: npt.NDArray[Any]) -> _Results:
        return _Results(self.xyxy[rows], self.conf[rows])
