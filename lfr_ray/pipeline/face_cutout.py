"""The part of a frame from which everything is cut that is wanted of one face."""

from __future__ import annotations

import numpy as np

from lfr_ray.camera.redact_faces import face_outline
from lfr_ray.embed.align import chip_outline
from lfr_ray.models.cards import ChipSpec
from lfr_ray.records import Floats, Frame, Picture


def around(frame: Frame, box: Floats, points: Floats, spec: ChipSpec) -> tuple[Picture, Floats]:
    """What a face's chip and its picture for an officer are cut from: box and points are in the frame's pixels.

    Returns:
        ``uint8 (h, w, 3)``, and the frame's pixel at its top left, ``float32 (2,)``.
    """
    left, top, right, bottom = face_outline(box, frame.width_px, frame.height_px)
    chip = chip_outline(points, spec)
    left, top = max(0, min(left, chip[0])), max(0, min(top, chip[1]))
    right, bottom = min(frame.width_px, max(right, chip[2])), min(frame.height_px, max(bottom, chip[3]))
    return frame.part(left, top, right, bottom), np.array((left, top), np.float32)
