"""Pictures of pages for the console's README."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from PIL import Image


def keep(page: Any, name: str, folder: Path) -> Path:
    """The page as it is, in LFR_SCREENSHOTS or ``folder``; `make pictures` puts it beside the console's README."""
    path = Path(os.environ.get("LFR_SCREENSHOTS", folder)) / f"{name}.png"
    with Image.open(io.BytesIO(page.screenshot())) as shown:
        # 256 colours: a third of the size, and hardly a difference to see.
        shown.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path
