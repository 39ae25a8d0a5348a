"""Taking frames out of a mailbox where no event loop runs."""

from __future__ import annotations

import asyncio

from lfr_ray.camera.newest_frame import Mailbox
from lfr_ray.records import Frame


def next_frame(box: Mailbox, timeout_s: float | None = None) -> Frame | None:
    """The next frame; None after so long, or at once when the mailbox has ended."""
    return asyncio.run(box.get_async(timeout_s))
