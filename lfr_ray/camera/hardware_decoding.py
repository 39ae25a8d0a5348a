"""Decoding by a graphics card, where PyAV's build and this machine have it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
from av.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

DEVICE_FILES = {"cuda": "/dev/nvidia0", "vaapi": "/dev/dri/renderD128"}
"""Kind of device -> the file that is there where the machine has one."""


WHOLE_FRAMES = (18, 1)
"""The first PyAV that fetches all of a frame from a device: also how it is turned, its colours' range, its faults."""


def hardware_for(wanted: str) -> tuple[HWAccel | None, str]:
    """What decodes, where ``auto``, ``cpu``, ``cuda`` or ``vaapi`` is wanted.

    Returns:
        None where the processor decodes; and why a device that was named cannot be had, or empty.
    """
    if wanted == "auto":
        return next((_accelerator(kind) for kind in DEVICE_FILES if not _lacks(kind)), None), ""
    if wanted == "cpu":
        return None, ""
    lacks = _lacks(wanted)
    return (None, on_processor(wanted, lacks)) if lacks else (_accelerator(wanted), "")


def _lacks(kind: str) -> str:
    """Why this kind of device cannot be used; empty where it can."""
    built = hwdevices_available()
    if kind not in built:
        return f"PyAV was built for {built} only"
    if not Path(DEVICE_FILES[kind]).exists():
        return f"this machine has no {DEVICE_FILES[kind]}"
    if tuple(map(int, av.__version__.split(".")[:2])) < WHOLE_FRAMES:
        return f"PyAV {av.__version__} is too old; it needs {WHOLE_FRAMES[0]}.{WHOLE_FRAMES[1]}"
    return _fault(kind)


@cache
def _fault(kind: str) -> str:
    """Why the device cannot be opened; tried once, and not again with each camera that does not answer."""
    return opening_fault(_accelerator(kind))


def opening_fault(accelerator: HWAccel) -> str:
    """Why a device cannot be opened now; empty where it can."""
    try:
        accelerator.create(Codec("h264", "r"))
    except (av.FFmpegError, OSError, NotImplementedError) as error:
        return f"it cannot be opened: {type(error).__name__}"
    return ""


def _accelerator(kind: str) -> HWAccel:
    return HWAccel(kind, allow_software_fallback=True)


def on_processor(wanted: str, why: str) -> str:
    """What is said where something else than what was asked for decodes."""
    return f"decode: {wanted} is not possible ({why}); the processor decodes; allowed here: auto, cpu"
