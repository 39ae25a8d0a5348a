"""How a video's pictures are to be turned and mirrored: its display matrix, as the eight orientations of EXIF."""

from __future__ import annotations

import numpy as np

from lfr_ray.records import Picture

UPRIGHT = 1
SWAPS_SIDES = frozenset({5, 6, 7, 8})
"""Orientations in which width and height change places."""

_ORIENTATIONS = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def orientation_of(matrix: bytes) -> int:
    """The orientation, 1 to 8 as in EXIF, that is nearest to a display matrix.

    Args:
        matrix: Nine 32-bit integers, as FFmpeg gives them. A picture's point (x, y) is shown at
            (a x + c y, b x + d y), where a, b, c, d are the first, second, fourth and fifth of them.

    >>> orientation_of(np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], np.int32).tobytes())
    6
    """
    if len(matrix) < 36:
        return UPRIGHT
    values = np.frombuffer(matrix[:36], np.int32).astype(np.float64)
    found = values[[0, 1, 3, 4]]
    if not found.any():
        return UPRIGHT
    nearest = max(_ORIENTATIONS, key=lambda one: float(np.dot(one, found)))
    return _ORIENTATIONS[nearest]


def turned(pixels: Picture, orientation: int) -> Picture:
    """A picture ``uint8 (H, W, 3)`` of this orientation as people see it."""
    if orientation in SWAPS_SIDES:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    # Contiguous: some widths leave padding at the end of every row.
    upright: Picture = np.ascontiguousarray(pixels, dtype=np.uint8)
    return upright
