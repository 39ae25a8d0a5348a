"""Half precision is used where it finds the same drawn faces, and not where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.detector_self_test import PICTURE_PX, drawn_faces, same_faces, settled
from lfr_ray.errors import ModelError
from lfr_ray.models import openvino_runtime
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.choose_runtime import open_file
from lfr_ray.models.device_and_self_test import Device, Network
from lfr_ray.models.weight_files import find_weights
from lfr_ray.records import Faces, Picture


def faces(*boxes: tuple[float, float, float, float], score: float = 0.9) -> Faces:
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    points = np.repeat(corners[:, None, :2], 5, axis=1) + 3
    return Faces(corners, np.full(len(corners), score, np.float32), points)


@pytest.mark.parametrize(
    ("half", "same"),
    [
        (faces((10, 10, 30, 40), (50, 50, 70, 80)), True),
        (faces((50.9, 50, 70, 80), (10, 10, 30, 39.2), (0, 0, 9, 9)), True),
        (faces((10, 10, 30, 40)), False),
        (faces((10, 10, 30, 40), (50, 50, 71.2, 80)), False),
        (faces((10, 10, 30, 40), (50, 50, 70, 80), score=0.8), False),
        (faces(), False),
    ],
    ids=["equal", "within-a-pixel", "one-lost", "over-a-pixel", "another-score", "none"],
)
def test_the_same_faces_are_within_a_pixel(half: Faces, same: bool) -> None:
    assert same_faces(faces((10, 10, 30, 40), (50, 50, 70, 80)), half) is same


def test_no_faces_prove_nothing() -> None:
    assert not same_faces(faces(), faces())


def test_points_count_as_well() -> None:
    found = faces((10, 10, 30, 40))
    moved = Faces(found.boxes, found.scores, found.points + np.float32(1.5))
    assert not same_faces(found, moved)


def test_the_drawn_faces_are_found_where_they_were_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "capabilities", lambda _device: ("FP32",))
    picture = drawn_faces()
    assert picture.shape == (*PICTURE_PX[::-1], 3)
    found = load_detector(card("centerface"), device="cpu", min_score=0.4).detect(picture[None])[0]
    assert len(found) == 4
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    assert np.abs(np.sort(middles[:, 0]) - np.array([96, 288, 448, 595])).max() < 12


def test_half_precision_that_finds_others_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "capabilities", lambda _device: ("FP32", "BF16"))
    described = card("centerface")
    network = open_file(described, find_weights(described), Device("cpu", 1), batch=1, any_size=True)

    def agreeing(_network: Network, _picture: Picture, _min_score: float) -> list[Faces]:
        return [faces((10, 10, 30, 40))]

    def differing(asked: Network, _picture: Picture, _min_score: float) -> list[Faces]:
        return [faces((10, 10, 30, 40) if asked.precision == "float32" else (10, 10, 33, 40))]

    def failing(_network: Network, _picture: Picture, _min_score: float) -> list[Faces]:
        raise ModelError("not finite")

    assert settled(network, agreeing).precision == "bfloat16"
    assert settled(network, differing) is network
    assert settled(network, failing) is network
