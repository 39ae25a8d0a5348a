"""CenterFace: every face is a point of a heat map at a quarter of the picture's size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision.ops import batched_nms

from lfr_ray.checks import check_array
from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.onnx_graph import read_onnx
from lfr_ray.models.runtime import Runtime
from lfr_ray.records import POINTS, Faces, Picture

STRIDE_PX = 4
"""Picture pixels per cell of the output maps."""

NMS_IOU = 0.3
"""Of two boxes that overlap more than this, the better one stays."""

CHANNELS = (1, 2, 2, 2 * POINTS)
"""Output maps in the file's order: heat, scale (h, w), offset (y, x), points (five times y, x)."""


class CenterFace:
    """The detector of the card family ``centerface``.

    Args:
        card: The model's card.
        path: Its verified ONNX file.
        device: Where it runs.
        min_score: Detections below are dropped.
    """

    def __init__(self, card: ModelCard, path: Path, device: torch.device, *, min_score: float = 0.5) -> None:
        self.card = card
        self.device = device
        self.min_score = min_score
        network = read_onnx(path)
        if len(network.output_names) != len(CHANNELS):
            raise _another_graph(path, f"{len(network.output_names)} outputs")
        self._runtime = Runtime(network, device, card)
        self._path = path

    def detect(self, pictures: Picture) -> list[Faces]:
        """Faces in every picture of a batch, best score first; see :class:`lfr_ray.models.cards.Detector`.

        Raises:
            ShapeError: Not ``uint8 (B, H, W, 3)`` with sides that are multiples of 32.
            ModelError: The network's output is unusable.
        """
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        if len(pictures) == 0:
            return []
        batch, height_px, width_px, _ = pictures.shape
        return _decode(self.maps(pictures), batch, width_px, height_px, self.min_score)

    def maps(self, pictures: Picture) -> tuple[torch.Tensor, ...]:
        """The network's four output maps, as the file has them: see ``CHANNELS``.

        Raises:
            ShapeError: Not ``uint8 (B, H, W, 3)``, B at least 1, with sides that are multiples of 32.
            ModelError: The network's output is unusable.
        """
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        batch, height_px, width_px, _ = pictures.shape
        stride_px = self.card.stride_px
        if height_px % stride_px or width_px % stride_px or not batch or not height_px or not width_px:
            raise ShapeError(
                "a detector's picture has sides that it cannot take",
                got=f"{width_px}x{height_px}",
                allowed=f"multiples of {stride_px}",
                next_step="use detect.letterbox.fit",
            )
        maps = self._runtime.run(pictures)
        if tuple(output.shape[1] for output in maps) != CHANNELS:
            raise _another_graph(self._path, f"maps of {[output.shape[1] for output in maps]} channels")
        return maps


def _decode(maps: tuple[torch.Tensor, ...], batch: int, width_px: int, height_px: int, min_score: float) -> list[Faces]:
    """Boxes and points of all cells of all pictures that are hot enough, after non-maximum suppression."""
    heat, scale, offset, marks = maps
    picture, _, row, column = torch.nonzero(heat >= min_score, as_tuple=True)
    score = heat[picture, 0, row, column]
    size = scale[picture, :, row, column].exp() * STRIDE_PX  # height, width
    cell = torch.stack((row, column), dim=1).to(size.dtype)
    centre = (cell + offset[picture, :, row, column] + 0.5) * STRIDE_PX  # y, x
    corner = centre - size / 2
    points = marks[picture, :, row, column].view(-1, POINTS, 2) * size[:, None] + corner[:, None]
    boxes = torch.cat((corner.flip(1), (corner + size).flip(1)), dim=1)
    limit = torch.tensor((width_px, height_px, width_px, height_px), dtype=boxes.dtype, device=boxes.device)
    boxes = torch.minimum(boxes.clamp(min=0), limit)
    kept = batched_nms(boxes, score, picture, NMS_IOU)
    owner, all_boxes, scores, all_points = (
        values[kept].cpu().numpy() for values in (picture, boxes, score, points.flip(2))
    )
    if not (np.isfinite(all_boxes).all() and np.isfinite(all_points).all()):
        raise ModelError("CenterFace gave boxes that are not finite", next_step="run `lfr models verify`")
    # batched_nms sorts by score over the whole batch, so each picture's own rows are sorted as well.
    everything = Faces(all_boxes, scores, all_points)
    return [everything.take(np.flatnonzero(owner == index)) for index in range(batch)]


def _another_graph(path: Path, got: str) -> ModelError:
    return ModelError(
        "the weight file is not CenterFace",
        got=f"{path}: {got}",
        allowed=f"four outputs of {', '.join(map(str, CHANNELS))} channels",
        next_step="use the file that the model card describes",
    )
