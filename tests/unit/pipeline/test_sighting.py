"""What the alert desk is given of a possible match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from lfr_ray.camera.redact_faces import OUTLINE_RGB, SCENE_WIDTH_PX
from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.pipeline import camera_chain
from lfr_ray.pipeline.checks_before_alert import PossibleMatch
from lfr_ray.pipeline.sighting import sighting_of
from lfr_ray.pipeline.tracklets import BestView, Tracklet
from lfr_ray.records import Answer, Frame, Image, Picture, Probe, View

BOX = np.array([0.5, 0.25, 0.6, 0.5], np.float32)
"""Left, top, right, bottom, in shares of the picture."""


class Decoded:
    """A grey picture that nobody may have whole."""

    def __init__(self, width_px: int) -> None:
        self.size_px = (width_px, width_px // 2)

    def halved(self, times: int) -> Picture:
        width_px, height_px = self.size_px
        return np.full((height_px >> times, width_px >> times, 3), 100, np.uint8)

    def whole(self) -> Picture:
        raise AssertionError("100 MB of an 8K camera")

    part = luma = whole


@pytest.mark.parametrize("width_px", [2560, 3840, 7680])
def test_the_scene_of_a_large_frame_is_made_of_a_smaller_one(width_px: int, make_sighting: Callable[..., Any]) -> None:
    image: Image = Decoded(width_px)  # type: ignore[assignment]
    known = make_sighting()
    box = BOX * np.tile(np.array(image.size_px, np.float32), 2)
    view = View(1, 5, 0.5, 100.0, box, np.zeros((5, 2), np.float32), known.quality, np.zeros((8, 8, 3), np.uint8))
    possible = PossibleMatch(Frame("gate", 5, 0.5, 100.0, image), view, known.match, Tracklet(1), single=False)
    best = [BestView(known.quality, np.zeros((8, 8, 3), np.uint8))]
    nobody = np.zeros((0, 4), np.float32)
    found = sighting_of(possible, nobody, best, Answer(deployment="d", match=known.match), model="m", run_id="r")
    scene = read_picture(found.scene_jpeg)
    assert scene.shape == (SCENE_WIDTH_PX // 2, SCENE_WIDTH_PX, 3)
    outlined = np.argwhere(np.abs(scene.astype(int) - OUTLINE_RGB).max(axis=2) < 40)
    (top, left), (bottom, right) = outlined.min(axis=0), outlined.max(axis=0)
    wanted = BOX * np.array([SCENE_WIDTH_PX, SCENE_WIDTH_PX // 2] * 2)
    np.testing.assert_allclose((left, top, right, bottom), wanted, atol=6)
    assert found.box == tuple(round(float(side), 1) for side in box), "in pixels of the frame"
    assert found.run == "r"


def test_a_large_face_is_kept_smaller_and_shows_the_same(
    chain: Callable[..., Any], possibly_listed: Callable[[Probe], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    for crop_px in (camera_chain.CROP_PX, 80):
        monkeypatch.setattr(camera_chain, "CROP_PX", crop_px)
        one = chain(lambda index: [(100.0 + 4 * index, 120.0), (200.0 + 4 * index, 120.0)])
        one.matcher.answer = possibly_listed
        one.run(one.steps.run(one.frames(30)))
        kept.append(read_picture(one.desk.acknowledged[0].face_jpeg))
    whole, small = kept
    assert 80 <= small.shape[1] < 160 <= whole.shape[1]
    shrunk = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 6
