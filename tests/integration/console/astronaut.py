"""Whom every picture of these tests shows: the astronaut, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ImageEnhance, ImageOps

from lfr_ray.camera.demo_source import ASTRONAUT, photograph
from lfr_ray.camera.redact_faces import crop_face, hidden_jpeg, preview_picture, scene_jpeg
from lfr_ray.camera.still_pictures import encode_jpeg


@dataclass(frozen=True)
class Astronaut:
    """Pictures of Eileen Collins (NASA, public domain), from the photograph that scikit-image ships."""

    face: bytes
    enrolled: bytes
    scene: bytes
    box: tuple[float, float, float, float]
    preview: bytes


def photographed(light: float) -> Astronaut:
    """As a camera sees her at one brightness; the enrolled picture is mirrored, darker and smaller."""
    picture = ImageEnhance.Brightness(photograph(*ASTRONAUT)).enhance(light)
    pixels, box = np.asarray(picture), np.array([175, 60, 270, 185], np.float32)
    enrolled = ImageOps.mirror(ImageEnhance.Brightness(photograph(*ASTRONAUT).crop((137, 10, 308, 235))).enhance(0.75))
    return Astronaut(
        encode_jpeg(crop_face(pixels, box)),
        encode_jpeg(np.asarray(enrolled.resize((137, 180)))),
        scene_jpeg(pixels, box, np.zeros((0, 4), np.float32)),
        tuple(float(side) for side in box),
        hidden_jpeg(*preview_picture(pixels), [box[None]]),
    )
