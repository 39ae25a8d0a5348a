"""SCRFD: distances from anchor points to the box's sides and to the five points, two anchors a cell."""

from __future__ import annotations

import numpy as np

from lfr_ray.detect.candidates import Candidates, OnnxDetector, as_points, cells
from lfr_ray.models.device_and_self_test import Network
from lfr_ray.records import Floats, Picture

STRIDES_PX = (8, 16, 32)
ANCHORS = 2
WIDTHS = (1, 4, 10)
"""Numbers per anchor: score, box, points; the graph has each once per stride, in this order."""


class Scrfd(OnnxDetector):
    """The detector of the card family ``scrfd``: the ``_kps`` graphs of InsightFace."""

    def candidates(self, network: Network, pictures: Picture, min_score: float) -> list[Candidates]:
        """What the network says of every anchor of every picture."""
        count = len(network.output_names)
        if count == 2 * len(STRIDES_PX):
            raise self.another_graph(
                "boxes without facial points, by which faces are aligned",
                "scores, boxes and points at three strides",
                "use the variant of this model whose name ends in _kps",
            )
        if count != len(WIDTHS) * len(STRIDES_PX):
            raise self.another_graph(f"{count} outputs", f"{len(WIDTHS) * len(STRIDES_PX)} outputs")
        # Older exports join all pictures of a batch in one row of anchors: those see one picture at a time.
        parts = [network.infer(pictures[at : at + 1]) for at in range(len(pictures))]
        return [self._candidates(part, *pictures.shape[2:0:-1]) for part in parts]

    def _candidates(self, outputs: tuple[Floats, ...], width_px: int, height_px: int) -> Candidates:
        flat = [output.reshape(-1, output.shape[-1]) for output in outputs]
        boxes, scores, points = [], [], []
        for index, stride in enumerate(STRIDES_PX):
            score, sides, marks = flat[index :: len(STRIDES_PX)]
            anchors = cells(width_px, height_px, stride, ANCHORS) * stride
            shapes = tuple((len(anchors), width) for width in WIDTHS)
            if (score.shape, sides.shape, marks.shape) != shapes:
                raise self.another_graph(f"outputs {score.shape}, {sides.shape}, {marks.shape}", str(shapes))
            scores.append(score[:, 0])
            boxes.append(np.concatenate((anchors - sides[:, :2] * stride, anchors + sides[:, 2:] * stride), axis=1))
            points.append(anchors[:, None] + as_points(marks) * stride)
        return Candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))
