"""A labelled folder through the real models: pictures come from installed packages."""

from __future__ import annotations

import subprocess
import tarfile
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.config import QualityConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.enrol.labelled_pictures import (
    embed_labelled,
    matcher_normaliser,
    most_central,
    read_group_table,
    read_labelled,
)
from lfr_ray.errors import InputError
from lfr_ray.evaluate.evaluation_figures import evaluate
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.records import Faces


def packaged(package: str, path: str) -> np.ndarray:
    spec = find_spec(package)
    assert spec is not None
    return cv2.imread(str(Path(spec.submodule_search_locations[0]) / path))


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(card("centerface"), device="cpu")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(card("dlib_resnet"), device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people in two or three pictures each, a landscape, and a file that is no picture."""
    root = tmp_path_factory.mktemp("people")
    touchline = packaged("ultralytics", "assets/zidane.jpg")
    astronaut = packaged("skimage", "data/astronaut.png")
    people = {
        "astronaut": astronaut[0:300, 90:380],
        "left": touchline[180:500, 460:760],
        "right": touchline[20:380, 850:1130],
    }
    for name, picture in people.items():
        own = root / name
        own.mkdir()
        cv2.imwrite(str(own / "01.png"), picture)
        cv2.imwrite(str(own / "02.jpg"), cv2.resize(picture, None, fx=0.8, fy=0.8))
    cv2.imwrite(str(root / "astronaut" / "03.jpg"), packaged("skimage", "data/coffee.png"))
    (root / "left" / "03.jpg").write_bytes(b"this is no picture")
    (root / "left" / "notes.txt").write_text("not counted")
    (root / "empty").mkdir()
    (root / ".hidden").mkdir()
    (root / "groups.csv").write_text("identity,side\nleft,l\nright,r\n", encoding="utf-8")
    return root


def test_the_folder_is_read_in_name_order(folder: Path) -> None:
    labelled = read_labelled(folder)
    assert labelled.names == ("astronaut", "left", "right")
    assert labelled.identity == (0, 0, 0, 1, 1, 1, 2, 2)
    assert [path.name for path in labelled.paths[:3]] == ["01.png", "02.jpg", "03.jpg"]
    assert "astronaut" not in repr(labelled)


def test_vectors_and_failures(folder: Path, detector: Detector, embedder: Embedder) -> None:
    seen: list[tuple[int, int]] = []
    samples = embed_labelled(
        read_labelled(folder), detector, embedder, on_progress=lambda done, of: seen.append((done, of))
    )
    assert samples.reasons == ("", "", "no_face", "", "", "unreadable", "", "")
    assert seen[-1] == (8, 8)
    same = samples.vectors[0] @ samples.vectors[1]
    others = [samples.vectors[0] @ samples.vectors[row] for row in (3, 4, 6, 7)]
    assert same > 0.95 > max(others)
    assert np.isnan(samples.quality[2])
    assert samples.quality[0] > 0
    found = evaluate(samples, "dlib_resnet", "centerface", groups=read_group_table(folder, samples.names))
    assert found.all_pictures.failures == 2
    assert found.all_pictures.verification[0].rate.value == 1.0
    # Enrolled: astronaut and right, with one search each that has a face; astronaut/03 is a miss.
    assert found.all_pictures.identification[0].rate.value == pytest.approx(2 / 3)


def test_of_two_faces_the_one_in_the_middle() -> None:
    boxes = np.array([[0, 0, 60, 60], [30, 30, 80, 80], [48, 48, 52, 52]], np.float32)
    faces = Faces(boxes, np.ones(3, np.float32), np.zeros((3, 5, 2), np.float32))
    assert most_central(faces, 100, 100) == 1, "the tiny one is nearer to the middle, but no subject"


def test_a_picture_of_two_people_is_compared_all_the_same(
    tmp_path: Path, detector: Detector, embedder: Embedder
) -> None:
    both = packaged("ultralytics", "assets/zidane.jpg")
    for name, picture in {"a": both[20:500, 460:1130], "b": both[180:500, 460:760]}.items():
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "1.png"), picture)
        cv2.imwrite(str(tmp_path / name / "2.png"), picture)
    assert embed_labelled(read_labelled(tmp_path), detector, embedder).reasons == ("",) * 4


def test_the_live_gate_is_noted_not_applied(folder: Path, detector: Detector, embedder: Embedder) -> None:
    strict = QualityConfig(min_size_px=10_000)
    samples = embed_labelled(read_labelled(folder), detector, embedder, limits=strict)
    assert samples.reasons.count("") == 6
    assert samples.quality_faults.count("too_small") == 6


def test_every_picture_unreadable_is_an_evaluation_error_not_a_crash(
    tmp_path: Path, detector: Detector, embedder: Embedder
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.jpg").write_bytes(b"nothing")
    samples = embed_labelled(read_labelled(tmp_path), detector, embedder)
    assert set(samples.reasons) == {"unreadable"}
    with pytest.raises(InputError, match="too few pictures with a usable face"):
        evaluate(samples, "dlib_resnet", "centerface")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_labelled(tmp_path / "nowhere")


def test_loose_pictures_are_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "person").mkdir()
    with pytest.raises(InputError, match="no pictures of people") as caught:
        read_labelled(tmp_path)
    assert "1 pictures beside each other" in caught.value.got
    assert "folder of their own" in caught.value.next_step


def test_groups_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_bytes(b"\xff\xfe\x00identity")
    with pytest.raises(InputError, match=r"groups\.csv cannot be read"):
        read_group_table(tmp_path, ("a",))
    assert read_group_table(tmp_path / "elsewhere", ("a",)) is None


def test_the_archive_of_labeled_faces_in_the_wild_is_a_labelled_folder(tmp_path: Path) -> None:
    for name in ("lfw/Aaron_One/Aaron_One_0001.jpg", "lfw/Zoe_Two/Zoe_Two_0001.jpg", "lfw/Zoe_Two/Zoe_Two_0002.jpg"):
        picture = tmp_path / "made" / name
        picture.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(picture), np.full((250, 250, 3), 90, np.uint8))
    with tarfile.open(tmp_path / "lfw.tgz", "w:gz") as archive:
        archive.add(tmp_path / "made/lfw", "lfw")
    subprocess.run(["tar", "xzf", "lfw.tgz"], cwd=tmp_path, check=True)
    found = read_labelled(tmp_path / "lfw")
    assert found.names == ("Aaron_One", "Zoe_Two")
    assert found.identity == (0, 1, 1)
    assert [path.name for path in found.paths] == ["Aaron_One_0001.jpg", "Zoe_Two_0001.jpg", "Zoe_Two_0002.jpg"]


def test_the_matcher_s_own_rule_is_used() -> None:
    whole = card("dlib_resnet")
    normaliser = matcher_normaliser(whole)
    rule = whole.calibration.score_norm
    assert (normaliser is None) == (rule is None)
    assert matcher_normaliser(whole.model_copy(update={"calibration": None})) is None
    if normaliser is not None:
        entries = np.random.default_rng(1).standard_normal((rule.min_entries + 5, 16)).astype(np.float32)
        entries /= np.linalg.norm(entries, axis=1, keepdims=True)
        plain = entries[:4] @ entries.T
        normalised = normaliser(entries)(plain.copy())
        assert normalised.shape == plain.shape
        assert not np.allclose(normalised, plain)
