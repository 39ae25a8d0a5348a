"""RetinaFace: boxes and points as offsets from square priors, two sizes a cell, three strides."""

from __future__ import annotations

import numpy as np

from lfr_ray.detect.candidates import Candidates, OnnxDetector, as_points, cells
from lfr_ray.models.device_and_self_test import Network
from lfr_ray.records import Floats, Picture

PRIORS_PX = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
"""Stride -> sides of the square priors at every cell."""

PLACE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2

WIDTHS = (4, 2, 10)
"""Numbers per prior of the three outputs: box, background and face, points."""


class RetinaFace(OnnxDetector):
    """The detector of the card family ``retinaface``: exports of Pytorch_Retinaface (its phase ``test``)."""

    def candidates(self, network: Network, pictures: Picture, min_score: float) -> list[Candidates]:
        """What the network says of every prior of every picture."""
        outputs = network.run(pictures)
        centres, sides = priors(*pictures.shape[2:0:-1])
        shapes = {width: (len(pictures), len(centres), width) for width in WIDTHS}
        # Exporters name and order the three outputs as they like; their widths are their own.
        found = {output.shape[-1]: output for output in outputs}
        if {width: output.shape for width, output in found.items()} != shapes:
            raise self.another_graph(
                f"outputs {', '.join(str(output.shape) for output in outputs)}",
                ", ".join(str(shape) for shape in shapes.values()),
            )
        box, score, marks = (found[width] for width in WIDTHS)
        middle = centres + box[..., :2] * PLACE_VARIANCE * sides
        half = sides * np.exp(box[..., 2:] * SIZE_VARIANCE) / 2
        boxes = np.concatenate((middle - half, middle + half), axis=2).astype(np.float32, copy=False)
        points = (centres[:, None] + as_points(marks) * PLACE_VARIANCE * sides[:, None]).astype(np.float32, copy=False)
        return [Candidates(*one) for one in zip(boxes, score[..., 1], points, strict=True)]


def priors(width_px: int, height_px: int) -> tuple[Floats, Floats]:
    """Centres ``(N, 2)`` and sides ``(N, 1)`` of all priors, in pixels."""
    centres, sides = [], []
    for stride, sizes in PRIORS_PX.items():
        grid = cells(width_px, height_px, stride, len(sizes))
        centres.append((grid + 0.5) * stride)
        sides.append(np.tile(np.array(sizes, np.float32), len(grid) // len(sizes))[:, None])
    return np.concatenate(centres).astype(np.float32, copy=False), np.concatenate(sides)
