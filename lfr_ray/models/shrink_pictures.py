"""Making pictures smaller without making noise: whole halvings, which processors do fast."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lfr_ray.records import Image, Picture


def halved(picture: Picture | Image, times: int) -> Picture:
    """Average every square of two by two pixels of ``uint8 (h, w, 3)``, so many times.

    Averaging over squares of any other size is ten times as slow, so that whoever needs one halves first and
    interpolates the rest. A last odd row or column is dropped each time; a side of 1 stays 1.

    Returns:
        ``uint8 (h >> times, w >> times, 3)``, at least 1 by 1; pixel i is centred on
        ``(i + 0.5) * 2**times - 0.5``.
    """
    if not isinstance(picture, np.ndarray):
        return picture.halved(times)
    for _ in range(times):
        height, width = max(1, picture.shape[0] // 2), max(1, picture.shape[1] // 2)
        smaller = cv2.resize(picture[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
        picture = smaller  # type: ignore[assignment]
    return picture


def halved_to(image: Picture | Image, width_px: int) -> tuple[Picture, float]:
    """A picture halved as often as it stays at least so wide, and its scale: of 8K the whole, in RGB, takes 100 MB.

    Returns:
        ``uint8 (h, w, 3)``, and by what a place in the picture is multiplied.
    """
    whole_px = image.shape[1] if isinstance(image, np.ndarray) else image.size_px[0]
    times = max(0, math.floor(math.log2(whole_px / width_px)))
    return halved(image, times), 0.5**times
