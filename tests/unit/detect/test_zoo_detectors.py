"""YuNet, SCRFD and RetinaFace: one planted face decodes to the same box and points, whatever the format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from lfr_ray.detect.candidates import Candidates, best_apart, likely_faces
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.errors import LicenceError, ModelError, ShapeError
from lfr_ray.models.card_catalogue import card

Plant = dict[str, Any]
COLUMN, ROW = 4, 3
CENTRE = np.array([32, 24], np.float32)
COUNTS = {8: 64, 16: 16, 32: 4}


def yunet(face: Any, one_of: Callable[..., Any]) -> Plant:
    at = ROW * 8 + COLUMN
    values: Plant = {}
    for stride, count in COUNTS.items():
        here = stride == 8
        values[f"cls_{stride}"] = one_of(count, at if here else 0, [0.81 if here else 0])
        values[f"obj_{stride}"] = one_of(count, at if here else 0, [1.0])
        values[f"bbox_{stride}"] = one_of(count, at if here else 0, [0, 0, np.log(4), np.log(4)])
        values[f"kps_{stride}"] = one_of(count, at if here else 0, face.points / 8 - [COLUMN, ROW])
    return values


def scrfd(face: Any, one_of: Callable[..., Any]) -> Plant:
    at = 2 * (ROW * 8 + COLUMN)
    values: Plant = {}
    sides = np.concatenate((CENTRE - face.box[:2], face.box[2:] - CENTRE)) / 8
    for kind, planted in (("score", [0.9]), ("box", sides), ("kps", (face.points - CENTRE) / 8)):
        for stride, count in COUNTS.items():
            content = planted if stride == 8 else np.zeros(np.size(planted))
            values[f"{kind}_{stride}"] = one_of(2 * count, at if stride == 8 else 0, content)
    return values


def retinaface(face: Any, one_of: Callable[..., Any]) -> Plant:
    at = 2 * (ROW * 8 + COLUMN) + 1  # the larger of two priors: 32 pixels
    prior = np.array([COLUMN + 0.5, ROW + 0.5]) * 8
    count = 2 * sum(COUNTS.values())
    return {
        "loc": one_of(count, at, [*(CENTRE - prior) / 3.2, 0, 0]),
        "score": one_of(count, at, [0.1, 0.9]),
        "landms": one_of(count, at, (face.points - prior) / 3.2),
    }


FAMILIES = [
    pytest.param("yunet_n", yunet, "cls", {}, id="yunet"),
    pytest.param("scrfd_10g", scrfd, "score", {}, id="scrfd"),
    pytest.param("scrfd_10g", scrfd, "score", {"flat": True}, id="scrfd-without-batch-axis"),
    pytest.param("retinaface_mobilenet025", retinaface, "score", {}, id="retinaface"),
]


@pytest.fixture
def load(tmp_path: Path, red_face: Any, one_of: Callable[..., Any]) -> Callable[..., Any]:
    def loaded(name: str, plant: Any, score: str, options: Plant, *, min_score: float = 0.5, **changes: Any) -> Any:
        path = red_face.save(tmp_path / "planted.onnx", plant(red_face, one_of), score, **options)
        # Mean and scale are those of the planted graph; every file here takes the card's first channel for red.
        changes = {"mean": (0.0, 0.0, 0.0), "scale": 1.0, "colour": "RGB", **changes}
        return load_detector(red_face.card_for(name, path, **changes), device="cpu", weights=path, min_score=min_score)

    return loaded


@pytest.mark.parametrize(("name", "plant", "score", "options"), FAMILIES)
def test_the_planted_face(load: Any, red_face: Any, name: str, plant: Any, score: str, options: Plant) -> None:
    detector = load(name, plant, score, options)
    red, nothing, half = detector.detect(red_face.pictures((255, 0, 0), (0, 255, 255), (180, 0, 0)))
    assert [len(red), len(nothing), len(half)] == [1, 0, 1]
    for faces in (red, half):
        np.testing.assert_allclose(faces.boxes[0], red_face.box, atol=1e-3)
        np.testing.assert_allclose(faces.points[0], red_face.points, atol=1e-3)
        assert faces.boxes.dtype == faces.points.dtype == faces.scores.dtype == np.float32
    assert red.scores[0] == pytest.approx(0.9, abs=1e-4)
    assert half.scores[0] < red.scores[0]
    assert detector.detect(red_face.pictures((0, 0, 0))[:0]) == []


@pytest.mark.parametrize(("name", "plant", "score", "options"), FAMILIES)
def test_the_card_states_the_colour_order(
    load: Any, red_face: Any, name: str, plant: Any, score: str, options: Plant
) -> None:
    found = load(name, plant, score, options, colour="BGR").detect(red_face.pictures((255, 0, 0), (0, 0, 255)))
    assert [len(faces) for faces in found] == [0, 1]


def test_mean_and_scale_are_the_cards(load: Any, red_face: Any) -> None:
    detector = load("yunet_n", yunet, "cls", {}, mean=(100.0, 0.0, 0.0), scale=0.5)
    (faces,) = detector.detect(red_face.pictures((255, 0, 0)))
    assert len(faces) == 0, "(255 - 100) * 0.5 of 255 is too little"


@pytest.mark.parametrize(("width", "height"), [(128, 64), (64, 128), (96, 32), (32, 32)])
def test_a_file_with_fixed_sides_gets_every_picture_fitted(load: Any, red_face: Any, width: int, height: int) -> None:
    picture = np.zeros((1, height, width, 3), np.uint8)
    picture[..., 0] = 255
    (faces,) = load("yunet_n", yunet, "cls", {}, min_score=0.1).detect(picture)
    scale = min(64 / width, 64 / height)
    limit = np.array([width, height] * 2)
    np.testing.assert_allclose(faces.boxes[0], np.minimum(red_face.box / scale, limit), atol=0.3)


def test_sides_that_are_no_multiple_of_the_stride(load: Any) -> None:
    detector = load("yunet_n", yunet, "cls", {"fixed": False})
    with pytest.raises(ShapeError, match=r"50x64.*multiples of 32"):
        detector.detect(np.zeros((1, 64, 50, 3), np.uint8))
    with pytest.raises(ShapeError):
        detector.detect(np.zeros((64, 64, 3), np.uint8))


def test_of_two_overlapping_the_better_one_stays() -> None:
    boxes = np.array([[0, 0, 20, 20], [1, 1, 21, 21], [40, 40, 70, 60], [0, 0, 9, 9]], np.float32)
    scores = np.array([0.7, 0.9, 0.8, 0.2], np.float32)
    found = likely_faces(Candidates(boxes, scores, np.zeros((4, 5, 2), np.float32)), 64, 64, 0.5, 0.4)
    np.testing.assert_allclose(found.scores, [0.9, 0.8])
    np.testing.assert_allclose(found.boxes[1], [40, 40, 64, 60])


def test_scrfd_without_points_is_refused_with_the_reason(load: Any, red_face: Any) -> None:
    def boxes_only(face: Any, one_of: Callable[..., Any]) -> Plant:
        return {name: values for name, values in scrfd(face, one_of).items() if not name.startswith("kps")}

    with pytest.raises(ModelError, match=r"without facial points.*_kps"):
        load("scrfd_10g", boxes_only, "score", {}).detect(red_face.pictures((9, 9, 9)))


@pytest.mark.parametrize("name", ["yunet_n", "scrfd_10g", "retinaface_mobilenet025"])
def test_each_others_files(load: Any, red_face: Any, name: str) -> None:
    plants = {"yunet_n": retinaface, "scrfd_10g": yunet, "retinaface_mobilenet025": scrfd}
    with pytest.raises(ModelError, match=f"is not {card(name).family}"):
        load(name, plants[name], "score", {}).detect(red_face.pictures((9, 9, 9)))


def test_values_that_are_not_finite(load: Any, red_face: Any) -> None:
    def broken(face: Any, one_of: Callable[..., Any]) -> Plant:
        values = yunet(face, one_of)
        values["bbox_8"][0, 2] = np.nan
        return values

    with pytest.raises(ModelError, match="not finite"):
        load("yunet_n", broken, "cls", {}).detect(red_face.pictures((255, 0, 0)))


def test_boxes_beyond_all_numbers(load: Any, red_face: Any) -> None:
    def huge(face: Any, one_of: Callable[..., Any]) -> Plant:
        values = yunet(face, one_of)
        values["bbox_8"][0, 2] = 200
        return values

    with pytest.raises(ModelError, match="not finite"):
        load("yunet_n", huge, "cls", {}).detect(red_face.pictures((255, 0, 0)))


def test_a_research_licence_refuses_operational_use() -> None:
    with pytest.raises(LicenceError, match=r"scrfd_10g.*research"):
        load_detector(card("scrfd_10g"), declared_use="operational")
    with pytest.raises(ModelError, match="missing"):
        load_detector(card("scrfd_10g"), declared_use="research", weights=Path("nowhere.onnx"))


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_torchvision_s(seed: int) -> None:
    draw = np.random.default_rng(seed)
    corners = draw.uniform(0, 80, (120, 2))
    boxes = np.concatenate((corners, corners + draw.uniform(0, 40, (120, 2))), axis=1).astype(np.float32)
    boxes[:3] = boxes[3], boxes[4], [5, 5, 5, 5]
    scores = draw.permutation(120).astype(np.float32)
    for overlap in (0.1, 0.3, 0.45):
        wanted = torchvision.ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), overlap)
        assert best_apart(boxes, scores, overlap).tolist() == wanted.tolist()
    assert best_apart(boxes[:0], scores[:0], 0.3).tolist() == []
