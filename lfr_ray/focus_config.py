"""Where a camera looks for faces: in the site file, or set over it by a supervisor in the console."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from lfr_ray.strict_yaml import Section

MOST_REGIONS = 8

Share = Annotated[float, Field(ge=0, le=1)]
FOUR = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 4, "maxItems": 4}
Region = Annotated[tuple[Share, Share, Share, Share], WithJsonSchema(FOUR)]
"""Left, top, width and height, as shares of the picture's width and height."""


class CameraFocus(Section):
    """Which faces of a camera's picture are compared, by place and size."""

    regions: tuple[Region, ...] = Field(
        default=(),
        max_length=MOST_REGIONS,
        description="Only faces whose middle is in one of these parts of its picture are compared; each is [left, top, "
        "width, height], as shares of the picture; default: everywhere.",
    )
    min_face_px: float | None = Field(default=None, gt=0, description="Overrides quality.min_size_px for this camera.")

    def covers(self, x: float, y: float) -> bool:
        """Whether faces are compared there; x and y are shares of the picture.

        >>> CameraFocus(regions=((0.5, 0.0, 0.5, 1.0),)).covers(0.4, 0.5), CameraFocus().covers(0.4, 0.5)
        (False, True)
        """
        inside = (left <= x <= left + width and top <= y <= top + height for left, top, width, height in self.regions)
        return not self.regions or any(inside)
