"""Things drawn over faces, to train and judge what tells covered faces: masks, scarves, hands, sunglasses, hats.

Everything is drawn on upright chips of 64 x 64 pixels whose points are those of the estimator's card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lfr_ray.embed.align import similarity
from lfr_ray.embed.occlusion import SIDE_PX as SIDE
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ChipSpec
from lfr_ray.records import Picture

Random = np.random.Generator
Draw = Callable[["Painter", Picture], Picture]

_CHIP = card("occlusion_hog").chip
assert _CHIP is not None
EYES = _CHIP.template_px[:2]
_POINTS_PX = np.array([_CHIP.template_px], np.float32)
EYE_Y, NOSE_Y, MOUTH_Y = _CHIP.template_px[0][1], _CHIP.template_px[2][1], _CHIP.template_px[3][1]
MIDDLE = SIDE / 2
CLOTH = ((90, 140, 190), (235, 235, 235), (25, 25, 28), (160, 200, 220), (60, 120, 80), (150, 40, 40))
_Y, _X = np.mgrid[0:SIDE, 0:SIDE]


@dataclass(frozen=True)
class Painter:
    """Randomness, and pictures whose pieces serve as cloth."""

    random: Random
    pool: Picture

    def uniform(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.random.uniform(low, high))

    def chance(self, share: float) -> bool:
        """True in so many cases."""
        return bool(self.random.random() < share)

    def cloth(self) -> Picture:
        """A plain, shaded, striped or blotched surface, or a piece of another picture."""
        colour = np.array(CLOTH[self.random.integers(len(CLOTH))]) + self.random.integers(-20, 20, 3)
        if self.chance(0.6):
            colour = self.random.integers(0, 256, 3)
        surface = np.zeros((SIDE, SIDE, 3), np.float32) + np.clip(colour, 0, 255)
        pattern = self.random.integers(0, 6)
        if pattern == 1:
            surface += (self.random.normal(0, 25) * (_Y - MIDDLE) / MIDDLE)[..., None]
        elif pattern == 2:
            wave = np.sin(_X * self.uniform(0.2, 1.5) + _Y * self.uniform(-1, 1))
            surface += (self.uniform(10, 70) * np.sign(wave))[..., None]
        elif pattern == 3:
            side = int(self.random.integers(4, 24))
            blotches = self.random.normal(0, self.uniform(10, 60), (side, side, 3)).astype(np.float32)
            surface += cv2.resize(blotches, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        elif pattern == 4:
            other = cv2.resize(self.pool[self.random.integers(len(self.pool))], None, fx=2, fy=2)
            y, x = self.random.integers(0, SIDE, 2)
            surface = other[y : y + SIDE, x : x + SIDE].astype(np.float32)
        folds = self.random.normal(0, 8) * np.sin(_Y * self.uniform(0.1, 0.5) + self.uniform(0, 6))
        surface = surface + (folds + self.random.normal(0, 12) * (_X - MIDDLE) / MIDDLE)[..., None]
        return np.clip(surface, 0, 255).astype(np.uint8)

    def skin(self, chip: Picture) -> Picture:
        """The face's own colour, as of its hand."""
        colour = np.median(chip[20:50, 20:44].reshape(-1, 3), axis=0) + self.random.normal(0, 8, 3)
        fingers = np.sin(_X * self.uniform(0.2, 0.9) + _Y * self.uniform(-0.5, 0.5))
        surface = np.zeros((SIDE, SIDE, 3)) + colour + (self.random.normal(0, 15) * fingers)[..., None]
        return np.clip(surface, 0, 255).astype(np.uint8)

    def glass(self) -> Picture:
        """A dark lens with a reflection."""
        shine = np.clip(1 - (_Y - self.uniform(12, 24)) ** 2 / self.uniform(4, 60), 0, 1)
        surface = np.zeros((SIDE, SIDE, 3)) + self.random.integers(5, 70, 3) + (self.uniform(0, 40) * shine)[..., None]
        return np.clip(surface, 0, 255).astype(np.uint8)

    def laid_over(self, chip: Picture, surface: Picture, shape: Any) -> Picture:
        """The chip with a surface over it where the shape is, with a harder or softer edge."""
        soft = self.random.choice([0, 0.6, 1.2])
        share = shape.astype(np.float32)
        if soft:
            share = cv2.GaussianBlur(share, (0, 0), float(soft))
        mixed: Picture = (chip * (1 - share[..., None]) + surface * share[..., None]).astype(np.uint8)
        return mixed


def lower(painter: Painter, chip: Picture) -> Picture:
    """A mask, a scarf or a hand over nose and mouth."""
    shape = np.zeros((SIDE, SIDE), np.uint8)
    kind = painter.random.random()
    top = NOSE_Y + painter.uniform(-8, 0)
    if kind < 0.65:
        _mask(painter, shape, top)
    elif kind < 0.85:
        edge = [(0, top + painter.uniform(0, 12)), (MIDDLE, top + painter.uniform(0, 5))]
        _fill(shape, [*edge, (SIDE, top + painter.uniform(0, 12)), (SIDE, SIDE), (0, SIDE)])
    else:
        _blobs(painter, shape, MOUTH_Y - 3, (9, 16), (7, 13), 180)
        return painter.laid_over(chip, painter.skin(chip) if painter.chance(0.7) else painter.cloth(), shape)
    return painter.laid_over(chip, painter.cloth(), shape)


def upper(painter: Painter, chip: Picture) -> Picture:
    """Sunglasses, a hat or hair down over the eyes, or a hand."""
    shape = np.zeros((SIDE, SIDE), np.uint8)
    kind = painter.random.random()
    if kind < 0.65:
        _glasses(painter, shape)
        worn = painter.laid_over(chip, painter.glass() if painter.chance(0.7) else painter.cloth(), shape)
        through = painter.uniform(0.05, 0.25) if painter.chance(0.3) else 0.0
        seen: Picture = (worn * (1 - through) + chip * through).astype(np.uint8)
        return seen
    if kind < 0.9:
        brim = EYE_Y + painter.uniform(3, 8)
        right, left = brim + painter.uniform(-6, 4), brim + painter.uniform(-6, 4)
        _fill(shape, [(0, 0), (SIDE, 0), (SIDE, right), (MIDDLE, brim), (0, left)])
        return painter.laid_over(chip, painter.cloth(), shape)
    _blobs(painter, shape, EYE_Y, (11, 18), (5, 9), 30)
    return painter.laid_over(chip, painter.skin(chip) if painter.chance(0.7) else painter.cloth(), shape)


def harmless(painter: Painter, chip: Picture) -> Picture:
    """Something that covers nothing of eyes, nose and mouth: a hat, a collar, a microphone, ordinary glasses."""
    shape = np.zeros((SIDE, SIDE), np.uint8)
    kind = painter.random.random()
    if kind < 0.3:
        brim = EYE_Y - painter.uniform(6, 14)
        right, left = brim + painter.uniform(-2, 4), brim + painter.uniform(-2, 4)
        _fill(shape, [(0, 0), (SIDE, 0), (SIDE, right), (MIDDLE, brim), (0, left)])
    elif kind < 0.6:
        collar = MOUTH_Y + painter.uniform(7, 14)
        left, right = collar - painter.uniform(0, 8), collar - painter.uniform(0, 8)
        _fill(shape, [(0, left), (MIDDLE, collar), (SIDE, right), (SIDE, SIDE), (0, SIDE)])
    elif kind < 0.8:
        side = painter.uniform(-8, 8) if painter.chance(0.5) else painter.uniform(56, 72)
        size = (int(painter.uniform(4, 9)), int(painter.uniform(6, 20)))
        cv2.ellipse(shape, (int(side), int(painter.uniform(10, 60))), size, 0, 0, 360, 1, -1)
    else:
        framed = chip.copy()
        colour, thick = painter.random.integers(0, 90, 3).tolist(), int(painter.random.integers(1, 3))
        size = (int(painter.uniform(8, 11)), int(painter.uniform(5, 8)))
        for x, y in EYES:
            cv2.ellipse(framed, (int(x), int(y + 1)), size, 0, 0, 360, colour, thick, cv2.LINE_AA)
        return framed
    return painter.laid_over(chip, painter.cloth(), shape)


def sunglasses(painter: Painter, chip: Picture, spec: ChipSpec) -> Picture:
    """Dark glasses on a chip of a specification: drawn in the estimator's pose, and laid where its points lie."""
    shape = np.zeros((SIDE, SIDE), np.uint8)
    _glasses(painter, shape)
    turn, shift = similarity(_POINTS_PX, np.array(spec.template_px, np.float64))[0]
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    size = chip.shape[1::-1]
    share = cv2.warpAffine(shape.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    glass = cv2.warpAffine(painter.glass(), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mixed: Picture = (chip * (1 - share) + glass * share).astype(np.uint8)
    return mixed


def both(painter: Painter, chip: Picture) -> Picture:
    """Both halves covered."""
    return lower(painter, upper(painter, chip))


def photographed(painter: Painter, chip: Picture) -> Picture:
    """The chip under other light, pose, size, noise and compression."""
    if painter.chance(0.5):
        chip = chip[:, ::-1]
    turn = cv2.getRotationMatrix2D(
        (MIDDLE, MIDDLE), painter.random.normal(0, 4), np.exp(painter.random.normal(0, 0.04))
    )
    turn[:, 2] += painter.random.normal(0, 1.2, 2)
    chip = cv2.warpAffine(np.ascontiguousarray(chip), turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    if painter.chance(0.4):
        side = int(painter.random.integers(16, 48))
        chip = cv2.resize(cv2.resize(chip, (side, side), interpolation=cv2.INTER_AREA), (SIDE, SIDE))  # type: ignore[assignment]
    if painter.chance(0.2):
        chip = cv2.cvtColor(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    light = 255 * (chip.astype(np.float32) / 255) ** np.exp(painter.random.normal(0, 0.25))
    light = light * np.exp(painter.random.normal(0, 0.1, 3)) + painter.random.normal(0, 8)
    light += painter.random.normal(0, painter.uniform(0, 7), light.shape)
    chip = np.clip(light, 0, 255).astype(np.uint8)
    if painter.chance(0.4):
        _, packed = cv2.imencode(".jpg", chip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(painter.uniform(30, 90))])
        chip = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
    return chip


def _mask(painter: Painter, shape: Any, top: float) -> None:
    half, side_y = painter.uniform(19, 27), EYE_Y + painter.uniform(4, 16)
    chin, middle = MOUTH_Y + painter.uniform(8, 18), MIDDLE + painter.random.normal(0, 1)
    outline = [(middle, top)]
    for sign in (1, -1):
        way = [
            (middle + sign * painter.uniform(6, 12), top + painter.uniform(0, 2)),
            (middle + sign * half, side_y),
            (middle + sign * half * painter.uniform(0.7, 1), MOUTH_Y + painter.uniform(-2, 4)),
            (middle + sign * painter.uniform(5, 12), chin),
        ]
        outline += way if sign > 0 else way[::-1]
    _fill(shape, outline)
    if painter.chance(0.5):
        for sign in (-1, 1):
            ear = (int(MIDDLE + sign * (MIDDLE - 1)), int(side_y - painter.uniform(0, 10)))
            cv2.line(shape, (int(middle + sign * half), int(side_y)), ear, 1, 1)


def _glasses(painter: Painter, shape: Any) -> None:
    wide, high, down = painter.uniform(7.5, 12), painter.uniform(5, 9), painter.uniform(-1.5, 2.5)
    square = painter.chance(0.4)
    for x, y in EYES:
        centre = (x + (-1 if x < MIDDLE else 1) * painter.uniform(-0.5, 1.5), y + down)
        if square:
            low = (int(centre[0] - wide), int(centre[1] - high * 0.8))
            cv2.rectangle(shape, low, (int(centre[0] + wide), int(centre[1] + high)), 1, -1)
        else:
            cv2.ellipse(shape, (round(centre[0]), round(centre[1])), (int(wide), int(high)), 0, 0, 360, 1, -1)
    rim = int(EYE_Y + down - 2)
    if painter.chance(0.8):
        thick = int(painter.random.integers(1, 4))
        cv2.line(shape, (int(EYES[0][0]), rim), (int(EYES[1][0]), rim), 1, thick)
    if painter.chance(0.7):
        for sign in (-1, 1):
            ear = (int(MIDDLE + sign * (MIDDLE - 1)), int(EYE_Y + down - painter.uniform(1, 4)))
            cv2.line(shape, (int(MIDDLE + sign * (11 + wide)), rim), ear, 1, int(painter.random.integers(1, 3)))


def _blobs(
    painter: Painter, shape: Any, y: float, wide: tuple[float, float], high: tuple[float, float], turn_deg: float
) -> None:
    for _ in range(int(painter.random.integers(2, 5))):
        centre = (int(MIDDLE + painter.random.normal(0, 8)), int(y + painter.random.normal(0, 3.5)))
        size = (int(painter.uniform(*wide)), int(painter.uniform(*high)))
        cv2.ellipse(shape, centre, size, painter.uniform(-turn_deg, turn_deg), 0, 360, 1, -1)


def _fill(shape: Any, outline: list[tuple[float, float]]) -> None:
    cv2.fillPoly(shape, [np.array(outline).astype(np.int32)], 1)  # type: ignore[list-item]
