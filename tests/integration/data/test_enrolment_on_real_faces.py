"""Enrolment of real people's pictures: what is taken, what is named, and that each vector is the person's own."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.enrol.import_folder import enrol_folder
from lfr_ray.enrol.still_faces import detect_stills
from lfr_ray.enrol.subject_face import choose_subject
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector, Embedder

pytestmark = pytest.mark.footage
PEOPLE = 60
NOW = 1.8e9


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(card("centerface"), device="cpu")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(card("dlib_resnet"), device="cpu")


@pytest.fixture(scope="module")
def people(shared_data: Path) -> dict[str, list[Path]]:
    """People with two pictures and more, faces of a useful size, evenly from the whole collection."""
    of_person: dict[str, list[Path]] = defaultdict(list)
    with (shared_data / "images.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            if min(int(row["width"]), int(row["height"])) >= 100 and "mask:" not in row["attributes"]:
                of_person[row["identity"]].append(shared_data / row["file"])
    several = sorted(name for name, files in of_person.items() if len(files) >= 2)
    return {name: sorted(of_person[name])[:2] for name in several[:: max(1, len(several) // PEOPLE)][:PEOPLE]}


@pytest.fixture(scope="module")
def folder(people: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("list")
    for name, files in people.items():
        (root / name).mkdir()
        for file in files:
            (root / name / file.name).symlink_to(file)
    return root


@pytest.fixture(scope="module")
def store(
    folder: Path, detector: Detector, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> WatchlistStore:
    store = WatchlistStore(tmp_path_factory.mktemp("data") / "watchlist")
    report = enrol_folder(folder, store, detector, embedder, now=NOW)
    assert report.entries >= PEOPLE - 1, report.rejected
    assert report.images >= 0.95 * 2 * PEOPLE, report.rejected
    return store


def test_nearly_every_picture_is_taken_and_the_rest_named(
    folder: Path, store: WatchlistStore, detector: Detector, embedder: Embedder
) -> None:
    again = enrol_folder(folder, store, detector, embedder, now=NOW)
    stored = len(store.all())
    assert again.added == 0
    assert again.images == stored
    pictures = sum(1 for _ in folder.glob("*/*"))
    named = [one for one in again.rejected if not one.file.endswith("/")]
    assert stored + len(named) == pictures


def test_a_person_s_pictures_are_nearest_to_each_other(store: WatchlistStore) -> None:
    rows = store.vectors()
    vectors = np.stack([row.vector for row in rows])
    owners = np.array([row.entry.entry_id for row in rows])
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1)
    several = np.array([(owners == owner).sum() > 1 for owner in owners])
    right = (owners[similarities.argmax(axis=1)] == owners)[several].mean()
    assert right >= 0.9, f"{right:.3f} of the pictures are nearest to one of the same person"


def test_the_cut_out_shows_the_subject_and_can_be_enrolled_itself(
    store: WatchlistStore, detector: Detector, embedder: Embedder, tmp_path: Path
) -> None:
    images = store.all()[:12]
    for image in images:
        (tmp_path / "list" / image.image_id).mkdir(parents=True)
        (tmp_path / "list" / image.image_id / "1.jpg").write_bytes(image.jpeg)
    again = WatchlistStore(tmp_path / "again")
    report = enrol_folder(tmp_path / "list", again, detector, embedder, now=NOW, one_entry_each=False)
    assert report.entries >= 11, report.rejected
    new = {row.entry.entry_id: row.vector for row in again.vectors()}
    similar = [float(image.vector @ new[image.image_id]) for image in images if image.image_id in new]
    assert min(similar) > 0.95


def test_a_stranger_among_somebody_s_pictures_is_named(
    people: dict[str, list[Path]], shared_data: Path, detector: Detector, embedder: Embedder, tmp_path: Path
) -> None:
    with (shared_data / "images.csv").open(newline="") as stream:
        of_person: dict[str, list[Path]] = defaultdict(list)
        for row in csv.DictReader(stream):
            if row["attributes"].startswith("lfw"):
                of_person[row["identity"]].append(shared_data / row["file"])
    several = sorted(name for name, files in of_person.items() if len(files) >= 4)[:12]
    for number, name in enumerate(several):
        (tmp_path / name).mkdir()
        for file in sorted(of_person[name])[:3]:
            (tmp_path / name / file.name).symlink_to(file)
        other = several[(number + 1) % len(several)]
        (tmp_path / name / "wrong.jpg").symlink_to(sorted(of_person[other])[3])
    report = enrol_folder(tmp_path, None, detector, embedder, now=NOW)
    named = {one.file for one in report.rejected if "different people" in one.reason}
    caught = sum(1 for name in several if f"{name}/wrong.jpg" in named)
    assert caught >= 9, sorted(named)
    assert all(file.endswith("wrong.jpg") for file in named), "nobody's own picture is taken for a stranger's"


def test_group_photographs_have_no_subject(shared_data: Path, detector: Detector) -> None:
    with (shared_data / "crowd" / "people.csv").open(newline="") as stream:
        names = [row["file"] for row in csv.DictReader(stream)]
    assert len(names) == 8
    for name in names:
        picture = read_picture(next((shared_data / "crowd").rglob(Path(name).name)))
        faces = detect_stills([picture], detector)[0]
        chosen = choose_subject(faces, picture.shape[1], picture.shape[0])
        assert chosen.row is None, name
        assert "none is clearly the subject" in chosen.reason
