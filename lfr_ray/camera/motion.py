"""Whether anything has moved since the detector last looked: brightness, averaged over small squares."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.models.shrink_pictures import halved
from lfr_ray.records import Image, Picture

ACROSS, LEAST_SQUARE_PX = 80, 8
"""Squares along the longer side, and how small one may be: a face that can be compared covers several."""

LEAST_LEVELS = 6.0
"""A square that is brighter or darker by so much, of 255, has changed; compression and noise change it by less."""

LARGE_SQUARE_PX = 16

SEEN_AGAIN_S, EMPTY_AGAIN_S = 0.3, 1.0
"""The detector looks again after so long in any case: where it saw a face, and where it saw none."""


class MotionCheck:
    """Remembers what one camera's last look showed.

    >>> check, picture = MotionCheck(), np.zeros((180, 320, 3), np.uint8)
    >>> check.moved(picture, 0.0, seen=False), check.moved(picture, 0.1, seen=False)
    (True, False)
    """

    def __init__(self) -> None:
        self._looked: npt.NDArray[np.float32] | None = None
        self._looked_s = 0.0

    def moved(self, picture: Picture | Image, captured_s: float, *, seen: bool) -> bool:
        """Whether the detector should look; if so, this is what its next look is compared with.

        ``captured_s`` is on the camera's own timeline; ``seen`` says that the last look showed a face, or may have.
        """
        squares = _squares(picture[..., 1] if isinstance(picture, np.ndarray) else picture.luma())
        before, passed_s = self._looked, captured_s - self._looked_s
        still = (
            before is not None
            and before.shape == squares.shape
            and 0 <= passed_s < (SEEN_AGAIN_S if seen else EMPTY_AGAIN_S) - 1e-6
            and float(np.abs(squares - before).max()) < LEAST_LEVELS
        )
        if not still:
            self._looked, self._looked_s = squares, captured_s
        return not still


def _squares(luma: Picture) -> npt.NDArray[np.float32]:
    """Mean brightness of each square; rows and columns that fill none are left out."""
    height, width = luma.shape
    side = max(LEAST_SQUARE_PX, max(height, width) // ACROSS)
    columns, rows = max(1, width // side), max(1, height // side)
    # Halved first where squares are large: that is what processors do fast.
    whole = halved(luma[: rows * side, : columns * side], int(side >= LARGE_SQUARE_PX))
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
