"""Real classes in place of models: what they find is painted into the picture."""

from __future__ import annotations

import numpy as np

from lfr_ray.models.card_calibration import Calibration
from lfr_ray.models.cards import ChipSpec, ModelCard
from lfr_ray.records import Faces, Picture

TEMPLATE = ((38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (70.0, 92.0))
SHAPE = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.34, 0.78], [0.66, 0.78]], np.float32)
CALIBRATION = Calibration(
    threshold=0.9,
    view_threshold=0.8,
    list_size=500,
    relative=0.9,
    same_person=0.97,
    different_person=0.6,
    data="made up",
)


class FixedDetector:
    """Finds the painted faces: squares whose blue channel is 250 or more.

    Every face lies in a background of lower blue; its five points are at fixed places of the square.
    """

    card = ModelCard(id="fixed", task="detect", family="fixed", title="t", licence="l", commercial_use=True, origin="o")

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    def detect(self, pictures: Picture) -> list[Faces]:
        self.batches.append(pictures.shape)
        return [self._one(picture) for picture in pictures]

    def _one(self, picture: Picture) -> Faces:
        import cv2

        blue = (picture[:, :, 2] >= 230).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(blue)
        found = [stats[number] for number in range(1, count) if stats[number][4] > 60]
        if not found:
            return Faces.none()
        found.sort(key=lambda one: -int(one[4]))
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in found], np.float32)
        sides = boxes[:, 2:] - boxes[:, :2]
        points = boxes[:, None, :2] + SHAPE[None] * sides[:, None]
        return Faces(boxes, np.full(len(found), 0.9, np.float32), points.astype(np.float32))


class PaintEmbedder:
    """A face's vector follows from its two colours: red is the person, green the particular picture."""

    def __init__(self, model: str = "paint") -> None:
        self.card = ModelCard(
            id=model, task="embed", family="paint", title="t", licence="l", commercial_use=True, origin="o",
            chip=ChipSpec(width_px=112, height_px=112, template_px=TEMPLATE), vector_length=64, calibration=CALIBRATION,
        )  # fmt: skip
        self.embedded = 0

    def embed(self, chips: Picture) -> np.ndarray:
        self.embedded += len(chips)
        middle = chips[:, 46:66, 46:66].reshape(len(chips), -1, 3).mean(axis=1)
        rows = []
        for red, green, _ in middle:
            # Rounded to steps of 20, so that JPEG's rounding changes nothing.
            person = np.random.default_rng(round(float(red) / 20)).standard_normal(64)
            look = np.random.default_rng(1000 + round(float(green) / 20)).standard_normal(64)
            vector = person / np.linalg.norm(person) + 0.45 * look / np.linalg.norm(look)
            rows.append(vector / np.linalg.norm(vector))
        return np.array(rows, np.float32)


def painted(
    *people: tuple[int, int], size: int = 200, face: int = 90, texture: int = 12, places: tuple[int, ...] = ()
) -> Picture:
    """A picture of people, each a pair (person 1..12, look 0..12), side by side or at given x centres."""
    random = np.random.default_rng(len(people))
    picture = random.integers(60, 120, (size, size, 3)).astype(np.uint8)
    picture[:, :, 2] = 60
    for number, (person, look) in enumerate(people):
        centre = places[number] if places else round(size * (number + 1) / (len(people) + 1))
        left, top = centre - face // 2, (size - face) // 2
        square = np.empty((face, face, 3), np.int64)
        square[:] = (person * 20, look * 20, 250)
        # A checked pattern, because a flat square is a blurred face.
        square[::2, ::2, :2] += texture
        square[1::2, 1::2, :2] -= texture
        right, bottom = min(size, left + face), top + face
        shown = np.clip(square, 0, 255).astype(np.uint8)[:, max(0, -left) : right - left]
        picture[top:bottom, max(0, left) : right] = shown
    return picture
