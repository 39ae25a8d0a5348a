"""Pictures of any size are looked at on the canvas that suits their faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lfr_ray.enrol.still_faces import BORDER, LARGE_PX, SMALL_PX, detect_stills
from lfr_ray.records import Faces, Picture, box_sizes_px


def test_a_portrait_needs_the_small_canvas_only(detector: Any, paint: Callable[..., Picture]) -> None:
    pictures = [paint((1, 1)), paint((1, 1), size=900, face=500), paint((2, 1), (3, 1), face=60)]
    found = detect_stills(pictures, detector)
    assert [len(faces) for faces in found] == [1, 1, 2]
    assert detector.batches == [(3, SMALL_PX, SMALL_PX, 3)]
    np.testing.assert_allclose(found[1].boxes[0], [200, 200, 700, 700], atol=12)


def test_small_faces_in_a_large_picture_get_the_large_canvas(detector: Any, paint: Callable[..., Picture]) -> None:
    found = detect_stills([paint((1, 1), size=2000, face=300)], detector)
    assert detector.batches == [(1, SMALL_PX, SMALL_PX, 3), (1, LARGE_PX, LARGE_PX, 3)]
    np.testing.assert_allclose(found[0].boxes[0], [850, 850, 1150, 1150], atol=8)


class LosesLargeFaces:
    """Finds nothing unless the picture lies within a border, as a detector does with a crop that cuts into the face."""

    def __init__(self, inner: Any) -> None:
        self.card = inner.card
        self._inner = inner

    def detect(self, pictures: Picture) -> list[Faces]:
        return [
            faces if len(faces) and box_sizes_px(faces.boxes).max() < 0.6 * SMALL_PX else Faces.none()
            for faces in self._inner.detect(pictures)
        ]


def test_a_tight_crop_is_tried_again_with_a_border(detector: Any, paint: Callable[..., Picture]) -> None:
    picture = paint((1, 1), size=112, face=100)
    found = detect_stills([picture, paint((1, 1))], LosesLargeFaces(detector))
    np.testing.assert_allclose(found[0].boxes[0], [6, 6, 106, 106], atol=3)
    assert len(found[1]) == 1
    assert detector.batches[-1] == (1, SMALL_PX, SMALL_PX, 3)
    assert BORDER > 0


def test_nobody_is_nobody(detector: Any) -> None:
    assert detect_stills([], detector) == []
    found = detect_stills([np.zeros((40, 700, 3), np.uint8)], detector)
    assert len(found[0]) == 0
