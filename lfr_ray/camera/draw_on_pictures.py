"""Words and outlines on pictures, for the sheets that people look through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lfr_ray.records import Floats, Picture

CAPTION_PX = 13
"""Size of the letters of captions."""

CHOSEN_RGB, OTHER_RGB = (0, 200, 60), (235, 120, 0)


def caption(text: str, width_px: int, lines: int) -> Picture:
    """Text as a picture of so many lines, dark on white; what does not fit is cut off: ``uint8 (H, width_px, 3)``."""
    font = ImageFont.load_default(CAPTION_PX)
    paper = Image.new("RGB", (width_px, lines * (CAPTION_PX + 4)), (255, 255, 255))
    draw = ImageDraw.Draw(paper)
    written = [""]
    for letter in " ".join(text.split()):
        if draw.textlength(written[-1] + letter, font=font) > width_px - 8:
            written.append("")
        written[-1] += letter
    draw.multiline_text((4, 2), "\n".join(one.strip() for one in written[:lines]), fill=(20, 20, 20), font=font)
    return np.array(paper)


def outlined(picture: Picture, boxes: Floats, chosen: int | None, numbers: Sequence[int]) -> Picture:
    """The picture with its faces outlined and numbered: the chosen one green and thick, the others orange and thin.

    ``boxes`` are ``float32 (N, 4)`` in pixels of the picture, ``chosen`` is a row of them. The numbers stand in the
    boxes, where there are several.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(CAPTION_PX)
    for row, (x1, y1, x2, y2) in enumerate(np.rint(boxes).astype(int).tolist()):
        colour, width_px = (CHOSEN_RGB, 3) if row == chosen else (OTHER_RGB, 1)
        draw.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=colour, width=width_px)
        if len(boxes) > 1:
            place = (max(0, x1) + 4, min(max(0, y1) + 2, image.height - CAPTION_PX - 4))
            draw.text(place, str(numbers[row]), (255, 255, 255), font, stroke_width=2, stroke_fill=(0, 0, 0))
    return np.array(image)
