"""The default models on real photographs: what they find, and how well they tell people apart."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from lfr_ray.config import QualityConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.view_quality import assess
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector, Embedder
from tests.integration.data.faces_in_pictures import find, overlap, read

pytestmark = pytest.mark.footage
PAIRS_OF_A_KIND = 40


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(card("centerface"), device="cpu")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(card("dlib_resnet"), device="cpu")


def test_faces_that_people_marked_are_found(shared_data: Path, detector: Detector) -> None:
    marked: dict[str, list[list[float]]] = {}
    with (shared_data / "crowd/boxes.csv").open() as file:
        for row in csv.DictReader(file):
            if row["source"] == "dlib_xml":
                x, y, w, h = (float(row[key]) for key in "xywh")
                marked.setdefault(row["file"], []).append([x, y, x + w, y + h])
    assert len(marked) >= 4
    found = 0
    for name, boxes in marked.items():
        path = next(path for path in (shared_data / name, shared_data / "crowd" / name) if path.is_file())
        faces = find(detector, read(path), 640, 640)
        found += sum(bool(len(faces) and overlap(np.array(box), faces.boxes).max() > 0.3) for box in boxes)
    total = sum(map(len, marked.values()))
    assert found / total >= 0.95, f"{found} of {total}"


def test_pairs_of_people(shared_data: Path, detector: Detector, embedder: Embedder) -> None:
    with (shared_data / "pairs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["list"].startswith("lfw")]
    rows = [row for same in "10" for row in [r for r in rows if r["same"] == same][:PAIRS_OF_A_KIND]]
    files = sorted({row[key] for row in rows for key in ("file_a", "file_b")})
    chips = []
    accepted = 0
    assert embedder.card.chip is not None
    for file in files:
        picture = read(shared_data / file)
        faces = find(detector, picture, 256, 256)
        middle = np.array(picture.shape[1::-1]) / 2
        off = np.linalg.norm((faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 - middle, axis=1)
        one = faces.take(np.array([off.argmin()]))
        chips.append(cut_chips(picture, one.points, embedder.card.chip)[0])
        view = assess(one.boxes[0], one.points[0], float(one.scores[0]), chips[-1], QualityConfig())
        accepted += view.accepted
    vectors = dict(zip(files, embedder.embed(np.stack(chips)), strict=True))
    same = np.array([row["same"] == "1" for row in rows])
    similarity = np.array([vectors[row["file_a"]] @ vectors[row["file_b"]] for row in rows])
    calibration = embedder.card.calibration
    assert calibration is not None
    assert (similarity[~same] < calibration.view_threshold).all()
    assert (similarity[same] > calibration.view_threshold).mean() > 0.8
    assert ((similarity > 0.905) == same).mean() > 0.96
    assert accepted / len(files) > 0.95
