"""How large a picture the detector gets: a budget of pixels, in the shape of the source."""

from __future__ import annotations

import math

from lfr_ray.config import DetectorConfig


def canvas_for(
    source_width_px: int, source_height_px: int, config: DetectorConfig, stride_px: int = 32
) -> tuple[int, int]:
    """Size of the detector's canvas for one camera.

    ``width_px`` times ``height_px`` of the configuration is a budget: what one frame may cost. It is spent
    in the source's own shape, so that a camera mounted upright wastes nothing on empty borders, and never on
    enlarging a picture.

    Returns:
        Width and height in pixels, multiples of ``stride_px``.

    >>> canvas_for(640, 360, DetectorConfig())
    (640, 384)
    >>> canvas_for(1920, 1080, DetectorConfig())
    (672, 384)
    >>> canvas_for(1080, 1920, DetectorConfig())
    (384, 672)
    >>> canvas_for(176, 144, DetectorConfig())
    (192, 160)
    """
    budget_px = config.width_px * config.height_px
    scale = min(1.0, math.sqrt(budget_px / (source_width_px * source_height_px)))
    return _up(source_width_px * scale, stride_px), _up(source_height_px * scale, stride_px)


def _up(side_px: float, stride_px: int) -> int:
    return max(stride_px, math.ceil((side_px - 1) / stride_px) * stride_px)
