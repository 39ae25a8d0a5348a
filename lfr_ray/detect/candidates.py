"""What every detector of the zoo shares: any canvas in, candidates thresholded, suppressed and sorted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array
from lfr_ray.detect.detector_self_test import settled
from lfr_ray.detect.letterbox import fit
from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.choose_runtime import open_file
from lfr_ray.models.device_and_self_test import Device, Network
from lfr_ray.records import POINTS, Faces, Floats, Picture

Candidates = Faces
"""Every place of one picture where there could be a face: neither in order, nor apart."""


def likely_faces(found: Candidates, width_px: int, height_px: int, min_score: float, max_overlap: float) -> Faces:
    """Those that are good enough and do not overlap a better one, best first, boxes inside the picture."""
    likely = np.flatnonzero(found.scores >= min_score)
    boxes, scores = inside(found.boxes[likely], width_px, height_px), found.scores[likely]
    kept = best_apart(boxes, scores, max_overlap)
    return Faces(boxes[kept], scores[kept], found.points[likely[kept]])


def inside(boxes: Floats, width_px: int, height_px: int) -> Floats:
    """The same boxes, ended at the picture's edges."""
    limit = np.array((width_px, height_px, width_px, height_px), np.float32)
    clipped: Floats = np.clip(boxes, np.float32(0), limit)
    return clipped


def best_apart(boxes: Floats, scores: Floats, max_overlap: float) -> npt.NDArray[np.intp]:
    """Non-maximum suppression: rows of the boxes that overlap no better one too much, best first.

    ``max_overlap`` is the largest intersection over union of two boxes that stay.
    """
    order = np.argsort(-scores, kind="stable")
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[order, :2])
        sides = np.maximum(np.minimum(boxes[best, 2:], boxes[order, 2:]) - corner, 0)
        shared = sides[:, 0] * sides[:, 1]
        # Two empty boxes share nothing of nothing: they do not overlap.
        union = area[best] + area[order] - shared
        order = order[~(shared > max_overlap * union)]
    return np.array(kept, np.intp)


class CandidateDetector(ABC):
    """A detector whose network says something of every place of a picture; a family says what that means.

    A network with fixed sides gets every picture fitted onto that canvas. Where half precision finds the same faces,
    it is used. Calls from several threads are safe, and as many run at once as the device has streams.

    Attributes:
        max_overlap: Of two boxes that overlap more than this, the better one stays.
        network: What runs.
    """

    max_overlap = 0.4

    def __init__(self, card: ModelCard, path: Path, network: Network, *, min_score: float) -> None:
        self.card = card
        self.min_score = min_score
        self._path = path
        self.check_file(network)
        self.network = settled(network, self._found)

    def detect(self, pictures: Picture) -> list[Faces]:
        """See :meth:`lfr_ray.models.cards.Detector.detect`."""
        return self._found(self.network, pictures, self.min_score)

    def check_file(self, network: Network) -> None:  # noqa: B027 - most families see it from the outputs
        """Look at what the file says of itself, before it runs; ModelError where it is of another family."""

    @abstractmethod
    def candidates(self, network: Network, pictures: Picture, min_score: float) -> list[Candidates]:
        """What a network, in whatever precision, says of every picture of the file's own size.

        Candidates below ``min_score`` may be left out.

        Raises:
            ModelError: The network's output is unusable.
        """

    def another_graph(self, got: str, allowed: str = "", next_step: str = "") -> ModelError:
        """The error of a file whose outputs are not the family's."""
        return ModelError(
            f"the weight file of model {self.card.id} is not {self.card.family}",
            got=f"{self._path}: {got}",
            allowed=allowed,
            next_step=next_step or "use the file that the model card describes",
        )

    def _found(self, network: Network, pictures: Picture, min_score: float) -> list[Faces]:
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        if len(pictures) == 0:
            return []
        height_px, width_px = pictures.shape[1:3]
        canvas = (network.width_px or width_px, network.height_px or height_px)
        if canvas == (width_px, height_px):
            return self._on_canvas(network, pictures, min_score)
        fitted = [fit(picture, *canvas) for picture in pictures]
        found = self._on_canvas(network, np.stack([picture for picture, _ in fitted]), min_score)
        return [mapping.back(faces) for (_, mapping), faces in zip(fitted, found, strict=True)]

    def _on_canvas(self, network: Network, pictures: Picture, min_score: float) -> list[Faces]:
        height_px, width_px = pictures.shape[1:3]
        stride_px = self.card.stride_px
        if height_px % stride_px or width_px % stride_px or not height_px or not width_px:
            raise ShapeError(
                "a detector's picture has sides that it cannot take",
                got=f"{width_px}x{height_px}",
                allowed=f"multiples of {stride_px}",
                next_step="use detect.letterbox.fit",
            )
        with np.errstate(over="ignore", invalid="ignore"):
            return self.faces(network, pictures, min_score)

    def faces(self, network: Network, pictures: Picture, min_score: float) -> list[Faces]:
        """The faces of every picture of the file's own size; a family may find them on the network's device."""
        found = self.checked(self.candidates(network, pictures, min_score))
        height_px, width_px = pictures.shape[1:3]
        return [likely_faces(one, width_px, height_px, min_score, self.max_overlap) for one in found]

    def checked(self, found: list[Faces]) -> list[Faces]:
        """The same, all of them finite, else ModelError."""
        if not all(np.isfinite(one.boxes).all() and np.isfinite(one.points).all() for one in found):
            raise ModelError(
                f"the model {self.card.id} gave boxes that are not finite", next_step="run `lfr models verify`"
            )
        return found


class OnnxDetector(CandidateDetector):
    """A detector in an ONNX file.

    Attributes:
        any_size: The sides that the file states are an example, not a limit.
    """

    any_size = False

    def __init__(self, card: ModelCard, path: Path, device: Device, *, min_score: float = 0.5) -> None:
        network = open_file(card, path, device, batch=1, any_size=self.any_size)
        super().__init__(card, path, network, min_score=min_score)


def cells(width_px: int, height_px: int, stride_px: int, each: int = 1) -> Floats:
    """Column and row of every cell of a stride's grid, row by row, ``each`` times in a row.

    Returns:
        ``float32 (rows * columns * each, 2)``.

    >>> cells(64, 32, 32, each=2).tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    """
    rows, columns = -(-height_px // stride_px), -(-width_px // stride_px)
    y, x = np.mgrid[0:rows, 0:columns]
    grid: npt.NDArray[np.float32] = np.stack((x, y), axis=2).reshape(-1, 2).astype(np.float32)
    return np.repeat(grid, each, axis=0)


def as_points(values: Floats) -> Floats:
    """``(..., 10)`` of x, y in turns as ``(..., 5, 2)``."""
    return values.reshape(*values.shape[:-1], POINTS, 2)
