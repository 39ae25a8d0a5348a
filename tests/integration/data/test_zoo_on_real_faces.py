"""The zoo's real files on real photographs: faces found, people told apart."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.cli.main import run
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.embedder_self_test import probe_chips
from lfr_ray.errors import LicenceError, ModelError
from lfr_ray.models.card_catalogue import RECOMMENDED_EMBEDDER, card
from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.records import Picture
from tests.integration.data.faces_in_pictures import find, overlap, read

pytestmark = pytest.mark.footage
PAIRS_OF_A_KIND = 30
EMBEDDERS = ("mobilefacenet_ms1m", "mobilefacenet_casia")


def open_embedder(models: Path, known: str, **changes: Any) -> Embedder:
    described = card(known).model_copy(update=changes)
    return load_embedder(described, device="cpu", weights=models / described.file)


@pytest.fixture(scope="module")
def yunet(shared_models: Path) -> Detector:
    described = card("yunet_n")
    return load_detector(described, device="cpu", weights=shared_models / described.file)


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> tuple[list[dict[str, str]], dict[str, tuple[Picture, Any]]]:
    """Pairs of LFW with the answer, and of every picture the points of the face in its middle, by CenterFace."""
    with (shared_data / "pairs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["list"].startswith("lfw")]
    rows = [row for same in "10" for row in [r for r in rows if r["same"] == same][:PAIRS_OF_A_KIND]]
    detector = load_detector(card("centerface"), device="cpu")
    faces = {}
    for file in sorted({row[key] for row in rows for key in ("file_a", "file_b")}):
        picture = read(shared_data / file)
        found = find(detector, picture, 256, 256)
        off = np.linalg.norm((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - 125, axis=1)
        faces[file] = (picture, found.points[[off.argmin()]])
    return rows, faces


@pytest.mark.parametrize("known", ["yunet_n", "yunet_n_640"])
def test_yunet_finds_the_faces_that_people_marked(shared_data: Path, shared_models: Path, known: str) -> None:
    described = card(known)
    detector = load_detector(described, device="cpu", weights=shared_models / described.file)
    marked: dict[str, list[list[float]]] = {}
    with (shared_data / "crowd/boxes.csv").open() as file:
        for row in csv.DictReader(file):
            if row["source"] == "dlib_xml":
                x, y, w, h = (float(row[key]) for key in "xywh")
                marked.setdefault(row["file"], []).append([x, y, x + w, y + h])
    hits = 0
    for name, boxes in marked.items():
        faces = find(detector, read(shared_data / "crowd" / name), 640, 640)
        hits += sum(bool(len(faces) and overlap(np.array(box), faces.boxes).max() > 0.3) for box in boxes)
    total = sum(map(len, marked.values()))
    assert hits / total >= 0.95, f"{hits} of {total}"


def test_yunet_and_centerface_agree_about_the_points(shared_data: Path, yunet: Detector) -> None:
    picture = read(shared_data / "spoof/image_T1.jpg")
    ours, theirs = (find(model, picture, 640, 640) for model in (yunet, load_detector(card("centerface"))))
    size = ours.boxes[0, 2] - ours.boxes[0, 0]
    assert np.linalg.norm(ours.points[0] - theirs.points[0], axis=1).max() < 0.15 * size


def test_batches_equal_one_by_one(shared_data: Path, yunet: Detector) -> None:
    pictures = np.stack([fit(read(path), 320, 320)[0] for path in sorted((shared_data / "crowd").glob("dlib*.jpg"))])
    for together, alone in zip(yunet.detect(pictures), (yunet.detect(one[None])[0] for one in pictures), strict=True):
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=0.05)


@pytest.mark.parametrize("known", EMBEDDERS)
def test_pairs_of_people(shared_models: Path, pairs: Any, known: str) -> None:
    check_pairs(open_embedder(shared_models, known), pairs)


def test_pairs_of_people_by_the_recommended_embedder(pulled_embedder: Path, pairs: Any) -> None:
    check_pairs(load_embedder(card(RECOMMENDED_EMBEDDER), device="cpu", weights=pulled_embedder), pairs)


def check_pairs(embedder: Embedder, pairs: Any) -> None:
    assert embedder.card.chip is not None
    rows, faces = pairs
    chips = np.concatenate([cut_chips(picture, points, embedder.card.chip) for picture, points in faces.values()])
    vectors = dict(zip(faces, embedder.embed(chips), strict=True))
    same = np.array([row["same"] == "1" for row in rows])
    similarity = np.array([vectors[row["file_a"]] @ vectors[row["file_b"]] for row in rows])
    best = max(((similarity > limit) == same).mean() for limit in similarity)
    assert best >= 0.95, f"{embedder.card.id} {best:.3f}"


@pytest.mark.parametrize("known", EMBEDDERS)
def test_the_real_files_in_the_wrong_colours_are_told(shared_models: Path, known: str) -> None:
    with pytest.raises(ModelError, match="wrong: state RGB"):
        open_embedder(shared_models, known, colour="BGR")
    with pytest.raises(ModelError, match="does not do with its probe chip"):
        open_embedder(shared_models, known, mean=(10.0, 20.0, 30.0))
    assert len(card(known).probe) == 16


def test_the_wrong_colours_change_the_vectors(shared_models: Path) -> None:
    right = open_embedder(shared_models, "mobilefacenet_ms1m")
    wrong = open_embedder(shared_models, "mobilefacenet_ms1m", colour="BGR", probe=())
    chips = probe_chips(112, 112)
    assert (wrong.embed(chips) * right.embed(chips[..., ::-1])).sum(axis=1).min() > 0.999
    assert (right.embed(chips[:1]) @ wrong.embed(chips[:1]).T).item() < 0.95


def test_the_research_licence_of_a_real_file(shared_models: Path) -> None:
    described = card("mobilefacenet_ms1m")
    with pytest.raises(LicenceError):
        load_embedder(described, weights=shared_models / described.file, declared_use="operational")


def test_the_command_verifies_and_runs_them(
    shared_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("mobilefacenet_casia", "yunet_n")
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path))
    for name in chosen:
        place = tmp_path / name / card(name).file
        place.parent.mkdir()
        place.write_bytes((shared_models / card(name).file).read_bytes())
    monkeypatch.setattr(
        "sys.argv", ["lfr", "models", "verify", *chosen, "--run", "--trust", "--device", "cpu", "--json", "-"]
    )
    with pytest.raises(SystemExit) as stopped:
        run()
    assert not stopped.value.code
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [row["state"] for row in rows] == ["verified"] * 2
    assert all(name in row["self_test"] for name, row in zip(chosen, rows, strict=True))
