"""CenterFace's maps are read where they are: from a GPU come the faces, not half a megabyte of maps a picture."""

from __future__ import annotations

import torch
from torchvision.ops import batched_nms

from lfr_ray.detect.centerface import STRIDE_PX
from lfr_ray.records import POINTS, Faces


def faces_of(
    maps: tuple[torch.Tensor, ...], width_px: int, height_px: int, min_score: float, max_overlap: float
) -> list[Faces]:
    """Faces of every picture, best first and apart: suppressed for all pictures at once, then copied to the host.

    They are what ``centerface.decode`` and ``candidates.likely_faces`` find, but boxes may reach beyond the picture.
    ``maps`` are heat, scale, offset and points as :func:`lfr_ray.detect.centerface.decode` takes them, with the batch
    first, in any precision.
    """
    heat, scale, offset, marks = (one.float() for one in maps)
    picture, _, row, column = torch.nonzero(heat >= min_score, as_tuple=True)
    size = torch.exp(scale[picture, :, row, column]) * STRIDE_PX  # height, width
    cell = torch.stack((row, column), dim=1)
    corner = (cell + offset[picture, :, row, column] + 0.5) * STRIDE_PX - size / 2  # y, x
    points = marks[picture, :, row, column].view(-1, POINTS, 2) * size[:, None] + corner[:, None]
    boxes = torch.cat((corner.flip(1), (corner + size).flip(1)), dim=1)
    scores = heat[picture, 0, row, column]
    limit = torch.tensor((width_px, height_px) * 2, dtype=torch.float32, device=heat.device)
    kept = batched_nms(torch.minimum(boxes.clamp(min=0), limit), scores, picture, max_overlap)  # best first
    columns = (picture[:, None].float(), scores[:, None], boxes, points.flip(2).flatten(1))
    rows = torch.cat(columns, dim=1)[kept].cpu().numpy()
    return [
        Faces(one[:, 2:6].copy(), one[:, 1].copy(), one[:, 6:].reshape(-1, POINTS, 2).copy())
        for one in (rows[rows[:, 0] == number] for number in range(len(heat)))
    ]
