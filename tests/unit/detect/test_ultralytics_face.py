"""YOLO face models as ONNX files: both layouts of their output, and those without five points refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.ultralytics_face import decode
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card

ONNX = card("yolov8n_face_onnx")


def raw(face: Any, *, visible: bool = True, classes: int = 1) -> np.ndarray[Any, Any]:
    """``(N, box + classes + points)``: one face among nothing."""
    box = face.box
    middle, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    points = np.concatenate((face.points, np.ones((5, 1))), axis=1) if visible else face.points
    planted = np.zeros((84, 4 + classes + points.size), np.float32)
    planted[7] = [*middle, *size, *([0.1] * (classes - 1)), 0.9, *points.ravel()]
    return planted


def save(path: Path, red_face: Any, rows: Any, metadata: dict[str, str], *, transposed: bool) -> Path:
    """The exported file: outputs do not depend on the picture, its score is put in by the test."""
    red_face.save(path, {"output0": rows.T if transposed else rows}, "no score")
    model = onnx.load(str(path))
    helper.set_model_props(model, metadata)
    onnx.save(model, str(path))
    return path


def load(path: Path) -> Any:
    described = ONNX.model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return load_detector(described, device="cpu", weights=path)


@pytest.mark.parametrize(
    ("rows", "metadata"),
    [
        (lambda face: raw(face), {"task": "pose", "kpt_shape": "[5, 3]"}),
        (lambda face: raw(face, visible=False), {"task": "pose", "kpt_shape": "[5, 2]"}),
        (lambda face: raw(face, classes=2), {"task": "pose", "kpt_shape": "[5, 3]"}),
        (lambda face: raw(face), {}),
    ],
    ids=["visible", "without-visibility", "two-classes", "no-metadata"],
)
def test_the_planted_face(tmp_path: Path, red_face: Any, rows: Callable[..., Any], metadata: dict[str, str]) -> None:
    detector = load(save(tmp_path / "face.onnx", red_face, rows(red_face), metadata, transposed=True))
    found = detector.detect(red_face.pictures((9, 9, 9), (200, 0, 0)))
    assert [len(faces) for faces in found] == [1, 1]
    np.testing.assert_allclose(found[0].boxes[0], red_face.box, atol=1e-3)
    np.testing.assert_allclose(found[0].points[0], red_face.points, atol=1e-3)
    assert found[0].scores[0] == pytest.approx(0.9)


def test_a_graph_that_suppresses_overlaps_itself(tmp_path: Path, red_face: Any) -> None:
    rows = np.zeros((300, 6 + 15), np.float32)
    rows[0] = [*red_face.box, 0.9, 0, *np.concatenate((red_face.points, np.ones((5, 1))), axis=1).ravel()]
    path = save(tmp_path / "face.onnx", red_face, rows, {"task": "pose", "kpt_shape": "[5, 3]"}, transposed=False)
    (faces,) = load(path).detect(red_face.pictures((9, 9, 9)))
    np.testing.assert_allclose(faces.boxes, red_face.box[None], atol=1e-3)
    np.testing.assert_allclose(faces.points, red_face.points[None], atol=1e-3)


def test_boxes_only_are_refused_with_the_reason(tmp_path: Path, red_face: Any) -> None:
    detect_only = raw(red_face)[:, :5]
    path = save(tmp_path / "boxes.onnx", red_face, detect_only, {"task": "detect"}, transposed=True)
    with pytest.raises(ModelError, match=r"no facial points, without which no face can be aligned.*task detect"):
        load(path)
    silent = save(tmp_path / "silent.onnx", red_face, detect_only, {}, transposed=True)
    with pytest.raises(ModelError, match=r"no facial points.*shape \(5, 84\)"):
        load(silent).detect(red_face.pictures((9, 9, 9)))


def test_a_body_s_seventeen_points_are_no_face(tmp_path: Path, red_face: Any) -> None:
    path = save(tmp_path / "body.onnx", red_face, raw(red_face), {"kpt_shape": "[17, 3]"}, transposed=True)
    with pytest.raises(ModelError, match=r"other points.*\(17, 3\).*\(5, 2\) or \(5, 3\)"):
        load(path)


def test_an_output_that_is_no_table() -> None:
    with pytest.raises(ModelError, match="no facial points"):
        decode(np.zeros((20,), np.float32), (5, 3), ONNX)
