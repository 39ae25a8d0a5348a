"""A face is cut from its part of the frame exactly as from the whole frame."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.camera.redact_faces import crop_face
from lfr_ray.embed.align import cut_chips
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import chip_spec
from lfr_ray.pipeline.face_cutout import around
from lfr_ray.records import Frame
from tests.unit.pipeline.conftest import POINTS, TEXTURE


@pytest.mark.parametrize("side_px", [20.0, 90.0, 300.0])
@pytest.mark.parametrize("corner", [(200.0, 30.0), (-40.0, -20.0), (600.0, 320.0)])
@pytest.mark.parametrize("model", ["dlib_resnet", "mobilefacenet_ms1m_tflite"])
def test_cut_from_the_part(model: str, corner: tuple[float, float], side_px: float) -> None:
    frame, spec = Frame("gate", 0, 0.0, 0.0, TEXTURE), chip_spec(card(model))
    points = (np.array(corner) + POINTS * side_px).astype(np.float32)
    box = np.array([*corner, corner[0] + side_px, corner[1] + side_px], np.float32)
    part, at_px = around(frame, box, points, spec)
    chip = cut_chips(part, points[np.newaxis] - at_px, spec)[0]
    expected = cut_chips(TEXTURE, points[np.newaxis], spec)[0]
    assert abs(chip.astype(int) - expected).max() <= 2
    np.testing.assert_array_equal(crop_face(part, box - np.tile(at_px, 2)), crop_face(TEXTURE, box))
    assert part.nbytes < TEXTURE.nbytes or side_px == 300


def test_points_in_one_place() -> None:
    frame, spec = Frame("gate", 0, 0.0, 0.0, TEXTURE), chip_spec(card("dlib_resnet"))
    box = np.array((10, 10, 50, 60), np.float32)
    part, at_px = around(frame, box, np.full((5, 2), 30, np.float32), spec)
    assert part.shape[0] >= 50
    assert (at_px <= 10).all()
