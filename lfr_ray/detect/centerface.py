"""CenterFace: every face is a point of a heat map at a quarter of the picture's size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from lfr_ray.detect.candidates import Candidates, OnnxDetector, inside
from lfr_ray.models.device_and_self_test import Network
from lfr_ray.records import POINTS, Faces, Floats, Picture

if TYPE_CHECKING:
    import torch

    from lfr_ray.models.torch_runtime import TorchNetwork

Map = TypeVar("Map", "Floats", "torch.Tensor")

STRIDE_PX = 4
"""Picture pixels per cell of the output maps."""

CHANNELS = (1, 2, 2, 2 * POINTS)
"""Output maps in the file's order: heat, scale (h, w), offset (y, x), points (five times y, x)."""

OUTPUTS = f"four outputs of {', '.join(map(str, CHANNELS))} channels"


class CenterFace(OnnxDetector):
    """The detector of the card family ``centerface``. The sides that its file states are an example."""

    max_overlap = 0.3
    any_size = True

    def check_file(self, network: Network) -> None:
        """Refuse a file without the four maps."""
        if len(network.output_names) != len(CHANNELS):
            raise self.another_graph(f"{len(network.output_names)} outputs", OUTPUTS)

    def candidates(self, network: Network, pictures: Picture, min_score: float) -> list[Candidates]:
        """The cells of every picture that are hot enough."""
        maps = self._four_maps(network.run(pictures))
        return [decode(heat, scale, offset, marks, min_score) for heat, scale, offset, marks in zip(*maps, strict=True)]

    def faces(self, network: Network, pictures: Picture, min_score: float) -> list[Faces]:
        """The faces of every picture; where torch computes, on its device (on MPS that was never tried)."""
        if network.runtime != "torch" or network.device.kind == "mps":
            return super().faces(network, pictures, min_score)
        from lfr_ray.detect.centerface_on_gpu import faces_of

        height_px, width_px = pictures.shape[1:3]
        in_torch = cast("TorchNetwork", network)
        parts = map(self._four_maps, in_torch.on_device(pictures))
        with in_torch.told():
            found = [one for maps in parts for one in faces_of(maps, width_px, height_px, min_score, self.max_overlap)]
        return [replace(one, boxes=inside(one.boxes, width_px, height_px)) for one in self.checked(found)]

    def _four_maps(self, maps: tuple[Map, ...]) -> tuple[Map, ...]:
        channels = tuple(output.shape[1] if output.ndim == 4 else 0 for output in maps)
        if channels != CHANNELS:
            raise self.another_graph(f"maps of {channels} channels", OUTPUTS)
        return maps


def decode(heat: Floats, scale: Floats, offset: Floats, marks: Floats, min_score: float) -> Candidates:
    """Boxes and points of all cells of one picture that are hot enough.

    Args:
        heat: ``float32 (1, H, W)``, 0 to 1.
        scale: ``float32 (2, H, W)``: logarithms of height and width in cells.
        offset: ``float32 (2, H, W)``: the middle from the cell's own, y and x in cells.
        marks: ``float32 (10, H, W)``: five times y, x from the box's corner, in its heights and widths.
        min_score: Cells below are left out.
    """
    row, column = np.nonzero(heat[0] >= min_score)
    size = np.exp(scale[:, row, column].T) * STRIDE_PX  # height, width
    centre = (np.stack((row, column), axis=1) + offset[:, row, column].T + np.float32(0.5)) * STRIDE_PX  # y, x
    corner = centre - size / 2
    points = marks[:, row, column].T.reshape(-1, POINTS, 2) * size[:, None] + corner[:, None]
    boxes = np.concatenate((corner[:, ::-1], (corner + size)[:, ::-1]), axis=1)
    return Candidates(
        np.ascontiguousarray(boxes, np.float32),
        np.ascontiguousarray(heat[0, row, column], np.float32),
        np.ascontiguousarray(points[:, :, ::-1], np.float32),
    )
