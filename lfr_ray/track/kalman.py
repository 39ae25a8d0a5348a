"""A Kalman filter for boxes that move steadily: the motion model of SORT and ByteTrack.

The state of a box has eight numbers: centre x and y, aspect ratio (width / height) and height, and how much each of
them changes from frame to frame. All functions take many boxes at once and return new arrays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lfr_ray.records import Floats

Numbers = npt.NDArray[np.float64]

POSITION_STD, VELOCITY_STD = 1 / 20, 1 / 160
"""Standard deviation of a position, and of its change in a frame, as shares of the box's height."""

_STEP = np.eye(8) + np.eye(8, k=4)


def measured(boxes: Floats) -> Numbers:
    """Boxes ``(N, 4)`` as the filter measures them: ``float64 (N, 4)`` centre x, centre y, aspect ratio, height."""
    corner, size = boxes[:, :2].astype(np.float64), (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    return np.concatenate([corner + size / 2, size[:, :1] / size[:, 1:], size[:, 1:]], axis=1)


def boxes_of(states: Numbers) -> Numbers:
    """The boxes ``float64 (N, 4)``, x1, y1, x2, y2, of states ``float64 (N, 8)``."""
    half = np.stack([states[:, 2] * states[:, 3], states[:, 3]], axis=1) / 2
    return np.concatenate([states[:, :2] - half, states[:, :2] + half], axis=1)


def begin(measurements: Numbers) -> tuple[Numbers, Numbers]:
    """States ``(N, 8)`` and covariances ``(N, 8, 8)`` of boxes that were seen once; they stand still."""
    states = np.concatenate([measurements, np.zeros_like(measurements)], axis=1)
    return states, _noise(measurements[:, 3], 2 * POSITION_STD, 1e-2, 10 * VELOCITY_STD, 1e-5)


def predict(states: Numbers, covariances: Numbers) -> tuple[Numbers, Numbers]:
    """Where the boxes will be in the next frame."""
    noise = _noise(states[:, 3], POSITION_STD, 1e-2, VELOCITY_STD, 1e-5)
    return states @ _STEP.T, _STEP @ covariances @ _STEP.T + noise


def correct(states: Numbers, covariances: Numbers, measurements: Numbers) -> tuple[Numbers, Numbers]:
    """Predicted boxes after they were seen at ``measurements``, ``(N, 4)``."""
    seen = covariances[:, :4, :4] + _noise(states[:, 3], POSITION_STD, 1e-1, 0, 0)[:, :4, :4]
    gain = np.linalg.solve(seen, covariances[:, :4, :]).transpose(0, 2, 1)
    moved = (gain @ (measurements - states[:, :4])[:, :, np.newaxis])[:, :, 0]
    return states + moved, covariances - gain @ seen @ gain.transpose(0, 2, 1)


def _noise(heights: Numbers, position: float, aspect: float, velocity: float, aspect_velocity: float) -> Numbers:
    """Diagonal covariances ``(N, 8, 8)``; the aspect ratio's deviations do not depend on the height."""
    shares = np.array([position, position, 0, position, velocity, velocity, 0, velocity])
    fixed = np.array([0, 0, aspect, 0, 0, 0, aspect_velocity, 0])
    variances: Numbers = np.square(heights[:, np.newaxis] * shares + fixed)
    return variances[:, :, np.newaxis] * np.eye(8)
