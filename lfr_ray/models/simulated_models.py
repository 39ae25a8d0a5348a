"""Models that wait instead of computing: their card's id says for how long, like ``simulated-detector-27.5`` (ms).

With them a site is tried without its machines (`lfr plan --simulate`). Their licence is for tests alone, as is their
calibration: neither in a live deployment nor in a trial is anything compared with them.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from lfr_ray.models.card_calibration import Calibration
from lfr_ray.models.cards import ChipSpec, ModelCard
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.records import Faces, Floats, Picture

DETECTOR, EMBEDDER = "simulated-detector-", "simulated-embedder-"
FAMILY = "simulated"
VECTOR_LENGTH = 128
CHIP_PX = 64
TEMPLATE = ((22.0, 26.0), (42.0, 26.0), (32.0, 38.0), (24.0, 48.0), (40.0, 48.0))
"""Five points of a face that looks at the camera, in a chip and, in the same proportions, in a box."""

_NO_WEIGHTS = {
    "package": "lfr_ray",
    "file": "py.typed",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}
"""An empty file."""

_EMBEDDING: dict[str, Any] = {
    "chip": ChipSpec(width_px=CHIP_PX, height_px=CHIP_PX, template_px=TEMPLATE),
    "vector_length": VECTOR_LENGTH,
    "calibration": Calibration(
        threshold=0.99, view_threshold=0.99, list_size=1, relative=1.0, data="none", provisional=True
    ),
}


def simulated_card(card_id: str) -> ModelCard | None:
    """The card of a simulated model; None for any other id."""
    embeds = card_id.startswith(EMBEDDER)
    if not embeds and not card_id.startswith(DETECTOR):
        return None
    fields: dict[str, Any] = {
        "id": card_id,
        "task": "embed" if embeds else "detect",
        "family": FAMILY,
        "title": "waits instead of computing",
        "licence": "for tests alone",
        "commercial_use": False,
        "origin": "lfr_ray",
    }
    return ModelCard.model_validate(fields | _NO_WEIGHTS | (_EMBEDDING if embeds else {}))


class Waiting:
    """What both kinds of simulated models have in common; it stands for its own network."""

    precision, runtime = "no numbers", "waits"

    def __init__(self, card: ModelCard, device: Device) -> None:
        self.card = card
        self.device = device
        self.network = self
        self._wait_s = float(card.id.rpartition("-")[2]) / 1000

    def wait(self, pictures: int) -> None:
        """As long as so many pictures take."""
        if self._wait_s:
            time.sleep(pictures * self._wait_s)


def write_faces(picture: Picture, boxes: Floats) -> None:
    """Write into a picture's first pixels where its faces are: instead of a face, which could be recognised."""
    numbers = np.concatenate([[len(boxes)], boxes.ravel()]).astype("<u2").view(np.uint8)
    picture.reshape(-1)[: len(numbers)] = numbers


def read_faces(picture: Picture) -> Faces:
    """The faces that were written into a picture; none where it has another size than its camera gave it."""
    numbers = np.ascontiguousarray(picture).reshape(-1)[: picture.size // 2 * 2].view("<u2")
    count = int(numbers[0])
    if not 0 < count <= len(numbers) // 4 - 1:
        return Faces.none()
    boxes = numbers[1 : 1 + 4 * count].reshape(count, 4).astype(np.float32)
    sides = (boxes[:, 2:] - boxes[:, :2])[:, np.newaxis]
    points = boxes[:, np.newaxis, :2] + np.array(TEMPLATE, np.float32) / CHIP_PX * sides
    return Faces(boxes, np.full(count, 0.9, np.float32), points)
