"""Which half of a face is covered: a mask, a scarf, a hand over the lower one, sunglasses or a hat over the upper one.

A small network over gradients and colours of the aligned chip: orientation histograms in 8 x 8 cells (Dalal and Triggs
2005), and each cell's colour beside the middle of the face. It was trained on faces with things drawn over them and
judged on real masks that it had never seen (``benchmarks/training/train_occlusion.py``). It judges a face in some
0.3 ms without any model runtime, so that every camera can have one.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array
from lfr_ray.embed.align import similarity
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card as find_card
from lfr_ray.models.cards import ChipSpec, ModelCard
from lfr_ray.models.weight_files import find_weights, verify_weights
from lfr_ray.records import REGIONS, Floats, Picture

CARD = "occlusion_hog"

SIDE_PX = 64
CELL_PX = 8
CELLS = SIDE_PX // CELL_PX
DIRECTIONS = 9
FEATURES = CELLS * CELLS * (DIRECTIONS + 1 + 3)

SHORTEST = 400.0
"""Gradients weaker than this, squared and summed over the cells around, count as none."""

COVERED_AT = 0.5

_PLACE = np.arange(SIDE_PX) // CELL_PX
_CELL = (_PLACE[:, None] * CELLS + _PLACE[None, :]) * DIRECTIONS


class Occlusion:
    """The estimator for chips of one specification, which are brought to the pose of the card's own chip first.

    ``compared`` are the regions that, when covered, have views of their own to be compared with; ``card`` and ``path``
    are the estimator's, whose file is verified.

    Raises:
        ModelError: The file is missing, altered, or holds other numbers.
    """

    def __init__(
        self,
        spec: ChipSpec,
        compared: Container[str] = REGIONS,
        card: ModelCard | None = None,
        path: Path | None = None,
    ) -> None:
        self.card = card or find_card(CARD)
        path = path or find_weights(self.card)
        verify_weights(self.card, path)
        self._mean, self._first, self._bias, self._second, self._offset = _read(path)
        assert self.card.chip is not None
        own = np.array(spec.template_px, np.float32)[np.newaxis]
        turn, shift = similarity(own, np.array(self.card.chip.template_px, np.float64))[0]
        self._matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
        self._spec = spec
        self._compared = compared

    def shares(self, chips: Picture) -> Floats:
        """How likely each region is covered: ``float32 (N, 2)``, 0..1, in the order of ``records.REGIONS``.

        Raises:
            ShapeError: Not chips, ``uint8 (N, h, w, 3)`` RGB.
        """
        check_array("chips", chips, ("N", self._spec.height_px, self._spec.width_px, 3), np.uint8)
        seen = np.zeros((len(chips), FEATURES), np.float32)
        for row, chip in enumerate(chips):
            seen[row] = features(self._posed(chip))
        inner = np.maximum((seen - self._mean) @ self._first + self._bias, 0)
        shares: Floats = (1 / (1 + np.exp(-(inner @ self._second + self._offset)))).astype(np.float32)
        return shares

    def covered(self, chips: Picture) -> list[tuple[str, ...]]:
        """The covered regions of every chip: none, one or both."""
        return [
            tuple(region for region, share in zip(REGIONS, row, strict=True) if share >= COVERED_AT)
            for row in self.shares(chips)
        ]

    def kind(self, chip: Picture) -> str | None:
        """As what a face ``uint8 (h, w, 3)`` RGB is to be compared.

        Returns:
            The covered half, empty for a face that is compared as it is, None where both halves are covered.
        """
        (regions,) = self.covered(chip[np.newaxis])
        if len(regions) == len(REGIONS):
            return None
        return next((region for region in regions if region in self._compared), "")

    def _posed(self, chip: Picture) -> Picture:
        # Averaging where the chip is larger, so that detail of large chips does not become noise.
        scale = round(1 / float(np.hypot(self._matrix[0, 0], self._matrix[1, 0])))
        if scale > 1:
            chip = cv2.blur(chip, (scale, scale)).astype(np.uint8)
        size = (SIDE_PX, SIDE_PX)
        posed = cv2.warpAffine(chip, self._matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(posed, np.uint8)


def occlusion_for(embedder: ModelCard) -> Occlusion | None:
    """The estimator for an embedder's chips; None where its card has no views of covered faces.

    Raises:
        ModelError: See :class:`Occlusion`.
    """
    if embedder.chip is None or embedder.calibration is None or not embedder.calibration.covered:
        return None
    return Occlusion(embedder.chip, frozenset(embedder.calibration.covered))


def features(chip: Picture) -> Floats:
    """What the network sees of a chip ``uint8 (64, 64, 3)`` RGB: direction histograms, gradient strengths, colours."""
    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)
    strength, angle = cv2.cartToPolar(across, down)
    # Light on dark and dark on light are one direction.
    direction = (angle * np.float32(DIRECTIONS / np.pi)).astype(np.int64) % DIRECTIONS
    counted = np.bincount((_CELL + direction).ravel(), strength.ravel(), CELLS * CELLS * DIRECTIONS)
    histogram = counted.reshape(CELLS, CELLS, DIRECTIONS).astype(np.float32)
    around = cv2.blur((histogram**2).sum(axis=2), (3, 3), borderType=cv2.BORDER_REPLICATE)
    normal = histogram / np.sqrt(around + SHORTEST)[:, :, np.newaxis]
    colour = cv2.cvtColor(chip, cv2.COLOR_RGB2LAB).astype(np.float32)
    cells = cv2.resize(colour, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    middle = np.median(cells[2:6, 2:6].reshape(-1, 3), axis=0)
    found: Floats = np.concatenate(
        [normal.ravel(), 0.2 * np.log1p(histogram.sum(axis=2)).ravel(), ((cells - middle) / 64).ravel()]
    ).astype(np.float32)
    return found


def _read(path: Path) -> tuple[npt.NDArray[np.float32], ...]:
    """Mean of the features; weights and offsets of both layers."""
    names = ("mean", "first", "first_offset", "second", "second_offset")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = [np.asarray(file[name], np.float32) for name in names]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            "the weight file of the occlusion estimator cannot be read", got=f"{path}: {type(error).__name__}"
        ) from None
    inner = found[1].shape[-1]
    wanted = [(FEATURES,), (FEATURES, inner), (inner,), (inner, len(REGIONS)), (len(REGIONS),)]
    if [one.shape for one in found] != wanted or not all(np.isfinite(one).all() for one in found):
        raise ModelError(
            "the weight file of the occlusion estimator holds other numbers",
            got=f"{path}: {[one.shape for one in found]}",
            allowed=str(wanted),
        )
    return tuple(found)
