"""Following faces from frame to frame with ByteTrack (Zhang et al. 2022, arXiv:2110.06864).

Where frames come slowly, boxes are enlarged before they are compared, as people move on between two frames (buffered
IoU; Yang et al. 2023, arXiv:2211.14317), and limits of time are longer.

Each track predicts where its face will be. Detections with a high score are joined to the tracks first; then those with
a low score, as of a face that is half hidden, to the tracks that are left. A low score never begins a track.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import lap
import numpy as np

from lfr_ray.config import TrackConfig
from lfr_ray.records import Faces, Floats, Ints
from lfr_ray.track import kalman
from lfr_ray.track.kalman import Numbers

LOW_SCORE_COST = 0.5
"""Largest 1 - IoU that joins a detection with a low score to a track."""

SECOND_FRAME_COST = 0.7
"""Largest 1 - IoU that confirms a new track by its second detection."""

LOST_INTERVALS = 2.5
"""A track may miss two frames, however slowly they come."""

INTERVALS = 16
"""Newest intervals of which the second longest counts: one gap says nothing, two in a row do."""

LONGEST_INTERVAL_S = 5.0
"""Frames that come more slowly than this have no track in common."""

SLOW_S = 0.3
"""Where frames come so slowly, a passage may be over before there are three views of it."""

BUFFER_FROM_S, BUFFER_PER_S, LARGEST_BUFFER = 0.15, 0.7, 0.6
"""From which interval on boxes are enlarged, by which share of their sides for each second, and at most."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One frame's faces as tracks.

    Attributes:
        rows: Track id -> row of the frame's :class:`Faces`.
        ended: Tracks that will never come back; their data can be dropped now.
    """

    rows: dict[int, int] = field(default_factory=dict)
    ended: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class _Track:
    """One face that is followed.

    Attributes:
        confirmed: It was detected twice; until then nobody is told of it.
        lost: It was not detected in the newest frame.
        seen_s: When it was last detected.
    """

    id: int
    state: Numbers
    covariance: Numbers
    seen_s: float
    confirmed: bool
    lost: bool = False


class FaceTracker:
    """The tracks of one camera.

    A track that has not been detected for :attr:`lost_s` seconds ends with the next frame that does not show it. Track
    ids start at 1 and are never used twice by one tracker.
    """

    def __init__(self, config: TrackConfig) -> None:
        self._config = config
        self._tracks: list[_Track] = []
        self._newest_id = 0
        self._newest_s = -np.inf
        self._begins = True
        self._intervals_s: deque[float] = deque(maxlen=INTERVALS)

    @property
    def interval_s(self) -> float:
        """Time between two frames, as they came lately; 0 before the second one."""
        longest = sorted(self._intervals_s)[-2:]
        return min(LONGEST_INTERVAL_S, longest[0]) if longest else 0.0

    @property
    def lost_s(self) -> float:
        """A track without detection for so long has ended: as configured, or longer where frames come slowly."""
        return max(self._config.lost_s, LOST_INTERVALS * self.interval_s)

    @property
    def slow(self) -> bool:
        """Frames come so slowly that somebody may be seen in one or two of them only."""
        return self.interval_s >= SLOW_S

    def update(self, faces: Faces, captured_s: float) -> Tracked:
        """Add one frame's faces, in pixels of the frame, at its time on the camera's own timeline.

        Returns:
            The tracks seen in this frame and those that ended with it. After a gap longer than ``lost_s``, or
            a jump backwards, all older tracks end: nobody may be carried over a gap as the same person.
        """
        gap_s = captured_s - self._newest_s
        if 0 < gap_s < np.inf:
            self._intervals_s.append(gap_s)
        ended = self.finish() if gap_s < 0 or gap_s > self.lost_s else ()
        self._newest_s = captured_s
        high, low = self._by_score(faces)
        rows: dict[int, int] = {}
        known = [track for track in self._tracks if track.confirmed]
        new = [track for track in self._tracks if not track.confirmed]
        _predict(known)
        known, high = self._join(known, faces, high, self._config.match_cost, rows)
        # What was lost before this frame can be found again by a high score only.
        missed, _ = self._join([track for track in known if not track.lost], faces, low, LOW_SCORE_COST, rows)
        for track in missed:
            track.lost = True
        unconfirmed, high = self._join(new, faces, high, SECOND_FRAME_COST, rows)
        self._tracks = [track for track in self._tracks if track not in unconfirmed]
        self._start(faces, high[faces.scores[high] >= self._config.new_score], rows)
        self._begins = False
        return Tracked(dict(sorted(rows.items())), (*ended, *self._end_lost()))

    def finish(self) -> tuple[int, ...]:
        """End every track, as the recording is over or the stream broke; gives those that were alive."""
        ended = tuple(track.id for track in self._tracks if track.confirmed)
        self._tracks = []
        self._begins = True
        return ended

    def _end_lost(self) -> tuple[int, ...]:
        """End what this frame does not show either and was not seen for long; frame times are sums, hence inexact."""
        over = [track for track in self._tracks if self._newest_s - track.seen_s > self.lost_s + 1e-6]
        self._tracks = [track for track in self._tracks if track not in over]
        return tuple(track.id for track in over if track.confirmed)

    def _by_score(self, faces: Faces) -> tuple[Ints, Ints]:
        """Rows with a high and with a low score; boxes without an area are left out."""
        sound = (faces.boxes[:, 2:] > faces.boxes[:, :2]).all(axis=1)
        high = faces.scores >= self._config.high_score
        low = (faces.scores > self._config.low_score) & ~high
        return np.flatnonzero(sound & high), np.flatnonzero(sound & low)

    def _join(
        self, tracks: Sequence[_Track], faces: Faces, rows: Ints, most: float, joined: dict[int, int]
    ) -> tuple[list[_Track], Ints]:
        """Join tracks to the faces at ``rows`` so that the sum of costs is least; note the pairs in ``joined``.

        Returns:
            The tracks and rows that are left.
        """
        if not tracks or not len(rows):
            return list(tracks), rows
        boxes = kalman.boxes_of(np.stack([track.state for track in tracks]))
        buffer = min(LARGEST_BUFFER, max(0.0, self.interval_s - BUFFER_FROM_S) * BUFFER_PER_S)
        costs = 1 - iou(_enlarged(boxes, buffer), _enlarged(faces.boxes[rows], buffer))
        _, row_of_track, track_of_row = lap.lapjv(costs, extend_cost=True, cost_limit=most)
        pairs = [(track, int(rows[at])) for track, at in zip(tracks, row_of_track, strict=True) if at >= 0]
        if pairs:
            states, covariances = kalman.correct(
                np.stack([track.state for track, _ in pairs]),
                np.stack([track.covariance for track, _ in pairs]),
                kalman.measured(faces.boxes[[row for _, row in pairs]]),
            )
            for (track, row), state, covariance in zip(pairs, states, covariances, strict=True):
                track.state, track.covariance = state, covariance
                track.seen_s, track.confirmed, track.lost = self._newest_s, True, False
                joined[track.id] = row
        left = [track for track, at in zip(tracks, row_of_track, strict=True) if at < 0]
        return left, rows[track_of_row < 0]

    def _start(self, faces: Faces, rows: Ints, joined: dict[int, int]) -> None:
        """New tracks; in the first frame, and where frames come slowly, they are confirmed at once."""
        confirmed = self._begins or self.slow
        states, covariances = kalman.begin(kalman.measured(faces.boxes[rows]))
        for row, state, covariance in zip(rows, states, covariances, strict=True):
            self._newest_id += 1
            self._tracks.append(_Track(self._newest_id, state, covariance, self._newest_s, confirmed))
            if confirmed:
                joined[self._newest_id] = int(row)


def iou(first: Numbers, second: Numbers) -> Numbers:
    """Intersection over union, ``float64 (N, M)``, of each of ``(N, 4)`` boxes with each of ``(M, 4)``."""
    low = np.maximum(first[:, np.newaxis, :2], second[np.newaxis, :, :2])
    high = np.minimum(first[:, np.newaxis, 2:], second[np.newaxis, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    shared: Numbers = both / (areas[0][:, np.newaxis] + areas[1][np.newaxis] - both)
    return shared


def _enlarged(boxes: Numbers | Floats, share: float) -> Numbers:
    """Boxes ``(N, 4)`` with this share of their width and height added on each side."""
    boxes = boxes.astype(np.float64, copy=False)
    margin = (boxes[:, 2:] - boxes[:, :2]) * share
    larger: Numbers = np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
    return larger


def _predict(tracks: Sequence[_Track]) -> None:
    """Move tracks on by a frame; one that is lost keeps its height."""
    if not tracks:
        return
    states = np.stack([track.state for track in tracks])
    states[[track.lost for track in tracks], 7] = 0
    states, covariances = kalman.predict(states, np.stack([track.covariance for track in tracks]))
    for track, state, covariance in zip(tracks, states, covariances, strict=True):
        track.state, track.covariance = state, covariance
