"""Waiting for what a camera's reader says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from lfr_ray.camera.camera_reader import CameraReader, CameraStatus
from tests.mailboxes import next_frame


def until(reader: CameraReader, true: Callable[[CameraStatus], bool], within_s: float = 15.0) -> CameraStatus:
    """Wait for a status, and take frames meanwhile as an actor would."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        next_frame(reader.mailbox, 0.05)
        status = reader.status()
        if true(status):
            return status
    raise AssertionError(f"it did not happen: {reader.status()}")
