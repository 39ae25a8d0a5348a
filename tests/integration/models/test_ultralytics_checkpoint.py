"""A YOLO pose checkpoint as Ultralytics saves it: refused as the program that it is, run once it was trusted."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.ultralytics_network import build
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card

TINY: dict[str, Any] = {
    "nc": 1,
    "depth_multiple": 1.0,
    "width_multiple": 1.0,
    "backbone": [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 24, 32)],
}


def save(path: Path, points: list[int] | None) -> Path:
    """An untrained network in the format of a finished training."""
    from ultralytics.nn.tasks import DetectionModel, PoseModel

    torch.manual_seed(11)
    if points:
        head = [[[2, 3, 4], 1, "Pose", ["nc", "kpt_shape"]]]
        model = PoseModel({**TINY, "kpt_shape": points, "head": head}, ch=3, verbose=False)
    else:
        model = DetectionModel({**TINY, "head": [[[2, 3, 4], 1, "Detect", ["nc"]]]}, ch=3, verbose=False)
    torch.save({"epoch": -1, "model": model.half(), "ema": None, "train_args": {"imgsz": 640}}, path)
    return path


def load(path: Path, *, trust: bool, min_score: float = 1e-4) -> Any:
    described = card("yolov8n_face").model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return load_detector(described, device="cpu", weights=path, trust=trust, min_score=min_score)


def test_refused_until_it_is_trusted_then_equal_to_ultralytics(tmp_path: Path) -> None:
    path = save(tmp_path / "face.pt", [5, 3])
    with pytest.raises(ModelError, match=r"program, not only tensors.*ultralytics\.nn\.tasks\.PoseModel.*--trust"):
        load(path, trust=False)
    detector = load(path, trust=True)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 96, 128, 3), np.uint8)
    original = torch.load(path, weights_only=False)["model"].float().eval()
    with torch.no_grad():
        values = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        predictions = original(values)[0].numpy()
    for mine, theirs in zip(detector.candidates(detector.network, pictures, 0.0), predictions, strict=True):
        np.testing.assert_allclose(mine.scores, theirs[4], atol=1e-4)
        np.testing.assert_allclose(mine.boxes[:, 2:] - mine.boxes[:, :2], theirs[2:4].T, atol=1e-2)
        np.testing.assert_allclose(
            mine.points.reshape(-1, 10), theirs[5:].reshape(5, 3, -1)[:, :2].reshape(10, -1).T, atol=1e-2
        )
    together = detector.detect(pictures)
    alone = [detector.detect(picture[None])[0] for picture in pictures]
    assert all(len(faces) for faces in together)
    for one, same in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.boxes, same.boxes, atol=1e-2)


def test_what_one_size_was_computed_with_stays_where_it_is(tmp_path: Path) -> None:
    """A recording on a GPU goes on reading there, whatever other sizes came since."""
    network, _ = build(card("yolov8n_face"), save(tmp_path / "face.pt", [5, 3]), trust=True)
    network = network.eval()
    values, head = torch.rand(1, 3, 96, 128), network.network.model[-1]
    with torch.inference_mode():
        before = network(values)
        anchors = head.anchors
        network(torch.rand(2, 3, 64, 64))
        assert head.anchors is not anchors
        torch.testing.assert_close(network(values), before)
        assert head.anchors is anchors


@pytest.mark.parametrize(
    ("points", "message"), [(None, "no facial points"), ([17, 3], r"other points.*\(17, 3\)")], ids=["boxes", "body"]
)
def test_models_without_five_points_are_refused_with_the_reason(
    tmp_path: Path, points: list[int] | None, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        load(save(tmp_path / "other.pt", points), trust=True)
