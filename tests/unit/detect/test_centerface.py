"""Decoding on a network whose answers are known, and the real network on the pictures of two installed packages.

Both in OpenVINO, as on a CPU, and in torch, as on a GPU: there faces are told apart on the device.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from lfr_ray.detect import centerface_on_gpu
from lfr_ray.detect.candidates import likely_faces
from lfr_ray.detect.centerface import CenterFace, decode
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models import choose_runtime, openvino_runtime
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector
from lfr_ray.models.device_and_self_test import NetworkInParts
from lfr_ray.models.weight_files import find_weights, package_file

HEIGHT_PX, WIDTH_PX = 24.0, 16.0
OFFSET = (0.25, -0.125)  # y, x in cells
MARKS = [(0.3, 0.2), (0.3, 0.8), (0.5, 0.5), (0.75, 0.3), (0.75, 0.7)]  # y, x in heights and widths


def make_file(path: Path, *, marks: int = 10, scale: float = 1.0, heat: float = -8.0) -> Path:
    """A network like CenterFace: its heat is the brightness of a cell, every face has one size."""
    biases = {
        "scale": [scale * math.log(HEIGHT_PX / 4), math.log(WIDTH_PX / 4)],
        "offset": list(OFFSET),
        "marks": [value for point in MARKS for value in point][:marks],
    }
    # The sigmoid of (brightness - 128) / 16.
    weights = {"heat.w": np.full((1, 3, 4, 4), 1 / 48 / 16, np.float32), "heat.b": np.array([heat], np.float32)}
    nodes = [
        helper.make_node("Conv", ["in", "heat.w", "heat.b"], ["raw"], strides=[4, 4], kernel_shape=[4, 4]),
        helper.make_node("Sigmoid", ["raw"], ["heat"]),
    ]
    for name, bias in biases.items():
        weights[f"{name}.w"] = np.zeros((len(bias), 3, 4, 4), np.float32)
        weights[f"{name}.b"] = np.array(bias, np.float32)
        nodes.append(
            helper.make_node("Conv", ["in", f"{name}.w", f"{name}.b"], [name], strides=[4, 4], kernel_shape=[4, 4])
        )
    graph = helper.make_graph(
        nodes,
        "known",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [10, 3, 32, 32])],  # an example, as in the real file
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("heat", *biases)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def load(path: Path, min_score: float = 0.5) -> Detector:
    vouched = card("centerface").model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return load_detector(vouched, device="cpu", weights=path, min_score=min_score)


@pytest.fixture(scope="module", params=["openvino", "torch"])
def runtime(request: pytest.FixtureRequest) -> Iterator[None]:
    """What computes: OpenVINO, or torch on the processor, as it would on a GPU."""
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "torch":
            patched.setattr(choose_runtime, "OPENVINO_DEVICES", {})
        yield


@pytest.fixture(scope="module")
def known(runtime: None, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return load(make_file(tmp_path_factory.mktemp("known") / "known.onnx"))


@pytest.fixture(scope="module")
def real(runtime: None) -> Detector:
    return load_detector(card("centerface"), device="cpu")


def lit(*cells: tuple[int, int, int], size_px: tuple[int, int] = (128, 160)) -> np.ndarray:
    """A black picture with lit cells: row, column, brightness."""
    picture = np.zeros((*size_px, 3), np.uint8)
    for row, column, brightness in cells:
        picture[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = brightness
    return picture


def test_a_box_and_its_points_are_where_the_maps_say(known: Detector) -> None:
    (faces,) = known.detect(lit((10, 20, 255))[None])
    assert len(faces) == 1
    centre_y, centre_x = (10 + OFFSET[0] + 0.5) * 4, (20 + OFFSET[1] + 0.5) * 4
    top, left = centre_y - HEIGHT_PX / 2, centre_x - WIDTH_PX / 2
    np.testing.assert_allclose(faces.boxes[0], [left, top, left + WIDTH_PX, top + HEIGHT_PX], atol=1e-4)
    points = [(left + x * WIDTH_PX, top + y * HEIGHT_PX) for y, x in MARKS]
    np.testing.assert_allclose(faces.points[0], points, atol=1e-4)
    assert faces.scores[0] == pytest.approx(1 / (1 + math.exp(-127 / 16)), abs=1e-5)
    assert {faces.boxes.dtype, faces.points.dtype, faces.scores.dtype} == {np.dtype(np.float32)}


def test_the_best_of_overlapping_boxes_stays_and_the_best_is_first(known: Detector) -> None:
    (faces,) = known.detect(lit((5, 5, 200), (5, 6, 220), (20, 30, 160), (6, 5, 180))[None])
    assert len(faces) == 2
    assert faces.scores[0] > faces.scores[1]
    assert faces.boxes[0, 0] == pytest.approx((6 + OFFSET[1] + 0.5) * 4 - WIDTH_PX / 2, abs=1e-4)


def test_scores_below_the_least_are_dropped(known: Detector, tmp_path: Path) -> None:
    picture = lit((5, 5, 255), (20, 30, 130))[None]  # sigmoid(2 / 16) = 0.53
    assert len(known.detect(picture)[0]) == 2
    assert len(load(make_file(tmp_path / "known.onnx"), min_score=0.6).detect(picture)[0]) == 1


def test_boxes_end_at_the_pictures_edge(known: Detector) -> None:
    (faces,) = known.detect(lit((0, 0, 255), (31, 39, 255))[None])
    assert faces.boxes.min() == 0
    assert (faces.boxes[:, 2:] <= (160, 128)).all()
    assert len(faces) == 2


def test_faces_of_different_pictures_do_not_suppress_each_other(known: Detector) -> None:
    batch = np.stack([lit((5, 5, 255)), lit(), lit((5, 5, 200), (20, 20, 255)), lit((5, 6, 255))])
    assert [len(faces) for faces in known.detect(batch)] == [1, 0, 2, 1]
    for together, alone in zip(known.detect(batch), (known.detect(one[None])[0] for one in batch), strict=True):
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-4)
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-6)
        np.testing.assert_allclose(together.points, alone.points, atol=1e-4)


def test_a_batch_larger_than_the_largest_bucket(known: Detector) -> None:
    batch = np.stack([lit((3 + index % 20, 5, 255)) for index in range(70)])
    tops = [float(faces.boxes[0, 1]) for faces in known.detect(batch)]
    step = [float(known.detect(batch[index : index + 1])[0].boxes[0, 1]) for index in range(70)]
    assert tops == pytest.approx(step, abs=1e-4)


def test_no_pictures_no_faces(known: Detector) -> None:
    assert known.detect(np.zeros((0, 64, 64, 3), np.uint8)) == []
    assert [len(faces) for faces in known.detect(np.zeros((2, 64, 64, 3), np.uint8))] == [0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 60, 64, 3), np.uint8),
        np.zeros((1, 64, 0, 3), np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((1, 3, 64, 64), np.uint8),
        np.zeros((1, 64, 64, 3), np.float32),
    ],
)
def test_pictures_that_it_cannot_take(known: Detector, wrong: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        known.detect(wrong)


def test_another_graph_is_refused(runtime: None, tmp_path: Path) -> None:
    nine = load(make_file(tmp_path / "nine.onnx", marks=9))
    with pytest.raises(ModelError, match=r"is not centerface.*nine\.onnx"):
        nine.detect(lit()[None])
    path = make_file(tmp_path / "three.onnx")
    model = onnx.load(str(path))
    del model.graph.output[-1]
    onnx.save(model, str(path))
    with pytest.raises(ModelError, match="3 outputs"):
        load(path)


@pytest.mark.parametrize(("scale", "heat"), [(math.nan, -8.0), (math.inf, -8.0), (1000.0, -8.0), (1.0, math.nan)])
def test_unusable_numbers_are_an_error_not_faces(runtime: None, tmp_path: Path, scale: float, heat: float) -> None:
    with pytest.raises(ModelError, match="not finite"):
        load(make_file(tmp_path / "bad.onnx", scale=scale, heat=heat)).detect(lit((5, 5, 255))[None])


@pytest.mark.parametrize(
    ("package", "file", "wanted"),
    [("ultralytics", "assets/zidane.jpg", 2), ("skimage", "data/astronaut.png", 1)],
)
def test_real_faces(real: Detector, package: str, file: str, wanted: int) -> None:
    path = package_file(package, file)
    assert path is not None
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    canvas, mapping = fit(picture, 640, 384)
    faces = mapping.back(real.detect(canvas[None])[0])
    assert len(faces) == wanted
    right_eye, left_eye, nose, right_mouth, left_mouth = faces.points.transpose(1, 0, 2)
    assert (right_eye[:, 0] < left_eye[:, 0]).all()
    assert (right_mouth[:, 0] < left_mouth[:, 0]).all()
    assert (np.minimum(right_eye[:, 1], left_eye[:, 1]) < nose[:, 1]).all()
    assert (nose[:, 1] < np.maximum(right_mouth[:, 1], left_mouth[:, 1])).all()
    inside = (faces.points >= faces.boxes[:, None, :2]) & (faces.points <= faces.boxes[:, None, 2:])
    assert inside.mean() > 0.9


def test_torch_keeps_its_maps_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces are told apart there: no map is copied, and nothing is suppressed by the processor."""
    monkeypatch.setattr(choose_runtime, "OPENVINO_DEVICES", {})
    monkeypatch.delattr(NetworkInParts, "run")
    monkeypatch.setattr(CenterFace, "candidates", None)
    path = package_file("ultralytics", "assets/zidane.jpg")
    assert path is not None
    canvas, _ = fit(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), 640, 384)
    assert [len(faces) for faces in load_detector(card("centerface"), device="cpu").detect(canvas[None])] == [2]


def test_a_device_that_fails_while_faces_are_told_apart_is_told_like_any_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB")

    monkeypatch.setattr(choose_runtime, "OPENVINO_DEVICES", {})
    known = load(make_file(tmp_path / "known.onnx"))
    monkeypatch.setattr(centerface_on_gpu, "faces_of", full)
    with pytest.raises(ModelError, match=r"centerface failed on cpu.*OutOfMemoryError"):
        known.detect(lit((5, 5, 255))[None])


def test_boxes_equal_those_of_onnxruntime(real: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    path = package_file("ultralytics", "assets/zidane.jpg")
    assert path is not None
    canvas, _ = fit(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), 640, 384)
    model = onnx.load(str(find_weights(card("centerface"))))
    for value in (model.graph.input[0], *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    maps = session.run(None, {model.graph.input[0].name: canvas.transpose(2, 0, 1)[None].astype(np.float32)})
    theirs = likely_faces(decode(*(output[0] for output in maps), 0.5), 640, 384, 0.5, CenterFace.max_overlap)
    assert len(theirs) == 2
    (ours,) = real.detect(canvas[None])
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1)
    np.testing.assert_allclose(ours.points, theirs.points, atol=1)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=0.02)
    monkeypatch.setattr(openvino_runtime, "capabilities", lambda _device: ("FP32",))
    (ours,) = load_detector(card("centerface"), device="cpu").detect(canvas[None])
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-3)
    np.testing.assert_allclose(ours.points, theirs.points, atol=1e-3)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4)


def test_colour_order_matters_and_is_rgb(real: Detector) -> None:
    path = package_file("skimage", "data/astronaut.png")
    assert path is not None
    bgr = cv2.imread(str(path))
    scores = [float(real.detect(fit(one, 512, 512)[0][None])[0].scores[0]) for one in (bgr[..., ::-1], bgr)]
    assert scores[0] > scores[1]
