"""Decoding by a graphics card, where PyAV's build and this machine have it."""

from __future__ import annotations

from pathlib import Path

from av.codec.hwaccel import HWAccel, hwdevices_available

DEVICE_FILES = {"cuda": "/dev/nvidia0", "vaapi": "/dev/dri/renderD128"}
"""Kind of device -> the file that is there where the machine has one."""


def hardware_for(wanted: str) -> tuple[HWAccel | None, str]:
    """What decodes, where ``auto``, ``cpu``, ``cuda`` or ``vaapi`` is wanted.

    Returns:
        None where the processor decodes; and why a device that was named cannot be had, or empty.
    """
    built = hwdevices_available()
    present = [kind for kind, file in DEVICE_FILES.items() if kind in built and Path(file).exists()]
    if wanted in ("auto", "cpu"):
        return (HWAccel(present[0], allow_software_fallback=True) if present and wanted == "auto" else None), ""
    if wanted in present:
        return HWAccel(wanted, allow_software_fallback=True), ""
    lacks = f"this machine has no {DEVICE_FILES[wanted]}" if wanted in built else f"PyAV was built for {built} only"
    return None, on_processor(wanted, lacks)


def on_processor(wanted: str, why: str) -> str:
    """What is said where something else than what was asked for decodes."""
    return f"decode: {wanted} is not possible ({why}); the processor decodes; allowed here: auto, cpu"
