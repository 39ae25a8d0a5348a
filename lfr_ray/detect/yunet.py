"""YuNet: one anchor a cell at strides 8, 16 and 32; boxes and points relative to the cell."""

from __future__ import annotations

import numpy as np

from lfr_ray.detect.candidates import Candidates, OnnxDetector, as_points, cells
from lfr_ray.models.device_and_self_test import Network
from lfr_ray.records import Picture

STRIDES_PX = (8, 16, 32)

WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Kinds of output, each once per stride under the name ``kind_stride``, and numbers per cell."""

OUTPUTS = tuple(f"{kind}_{stride}" for kind in WIDTHS for stride in STRIDES_PX)


class YuNet(OnnxDetector):
    """The detector of the card family ``yunet``: the graphs of libfacedetection.train and OpenCV's zoo, 2022 on."""

    max_overlap = 0.3

    def candidates(self, network: Network, pictures: Picture, min_score: float) -> list[Candidates]:
        """What the network says of every cell of every picture."""
        if set(network.output_names) != set(OUTPUTS):
            raise self.another_graph(f"outputs {', '.join(network.output_names)}", ", ".join(OUTPUTS))
        outputs = dict(zip(network.output_names, network.run(pictures), strict=True))
        height_px, width_px = pictures.shape[1:3]
        boxes, scores, points = [], [], []
        for stride in STRIDES_PX:
            grid = cells(width_px, height_px, stride)
            wanted = {f"{kind}_{stride}": (len(pictures), len(grid), width) for kind, width in WIDTHS.items()}
            for name, shape in wanted.items():
                if outputs[name].shape != shape:
                    raise self.another_graph(f"{name} of shape {outputs[name].shape}", str(shape))
            face, thing, box, marks = (outputs[name] for name in wanted)
            scores.append(np.sqrt(np.clip(face[..., 0], 0, 1) * np.clip(thing[..., 0], 0, 1)))
            centre = (grid + box[..., :2]) * stride
            half = np.exp(box[..., 2:]) * (stride / 2)
            boxes.append(np.concatenate((centre - half, centre + half), axis=2))
            points.append((as_points(marks) + grid[:, None]) * stride)
        each = (np.concatenate(parts, axis=1).astype(np.float32, copy=False) for parts in (boxes, scores, points))
        return [Candidates(*one) for one in zip(*each, strict=True)]
