"""In no picture of an alert can anybody but the subject be found or recognised, by any detector or embedder here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.camera.redact_faces import FACE_MARGIN, HEAD, SCENE_WIDTH_PX, crop_face, scene_picture
from lfr_ray.camera.still_pictures import encode_jpeg, read_picture
from lfr_ray.config import QualityConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.view_quality import assess
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card, cards
from lfr_ray.models.cards import Detector, ModelCard
from lfr_ray.models.weight_files import find_weights
from lfr_ray.records import Faces, Floats, Picture

pytestmark = [pytest.mark.footage, pytest.mark.timeout(600)]

SAME_NETWORK = "yunet_n_640"
"""That of yunet_n, for pictures of one size alone."""
LEAST_PX = 24.0
"""Smaller faces are compared by nobody, and lead to no alert."""
EDGE_PX = np.float32(300)
MOST_COMPARED = 4
"""Others of one picture that are given to the embedders."""


def find(detector: Detector, picture: Picture, side_px: int) -> Faces:
    canvas, mapping = fit(picture, side_px, side_px)
    return mapping.back(detector.detect(canvas[None])[0])


def belongs(found: Floats, subject: Floats) -> bool:
    """The box lies mostly on the subject's head."""
    low, high = np.maximum(found[:2], subject[:2]), np.minimum(found[2:], subject[2:])
    common = np.clip(high - low, 0, None).prod()
    return bool(common > 0.3 * min((found[2:] - found[:2]).prod(), (subject[2:] - subject[:2]).prod()))


def at_hand(task: str, *folders: Path) -> dict[str, tuple[ModelCard, Path]]:
    """Every model of the catalogue whose weights are here: shared, pulled, or in an installed package."""
    found = {}
    for one in cards():
        places = [path for folder in folders for path in (folder / one.file, folder / one.id / one.file)]
        if one.task == task and one.id != SAME_NETWORK:
            with suppress(ModelError):
                found[one.id] = (one, next((path for path in places if path.is_file()), None) or find_weights(one))
    return found


def without(scene: Picture, subject: Floats) -> Picture:
    """The subject's head and its outline painted over: both are sharp."""
    grown = subject + np.tile((subject[2:] - subject[:2]) * (max(HEAD) - 0.5) + 8, 2) * np.array([-1, -1, 1, 1])
    x1, y1, x2, y2 = np.clip(grown, 0, None).astype(int)
    mask = np.zeros(scene.shape[:2], np.uint8)
    mask[y1:y2, x1:x2] = 1
    return np.asarray(cv2.inpaint(scene, mask, 3, cv2.INPAINT_TELEA), np.uint8)


def carried_on(scene: Picture) -> Picture:
    """The same with its edges carried on: what lies beyond would be black, and sharp."""
    px = int(EDGE_PX)
    return np.pad(scene, ((px, px), (px, px), (0, 0)), mode="edge")


def shown(picture: Picture) -> Picture:
    """As an officer gets it."""
    return read_picture(encode_jpeg(picture, 85))


def size_px(boxes: Floats) -> Floats:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(np.sqrt(sides.prod(axis=1)), np.float32)


def may_be_compared(picture: Picture, faces: Faces, row: int) -> bool:
    """As it was seen, before anybody hid it: of a face that is a blur already nothing could be learnt here."""
    chip = cut_chips(picture, faces.points[[row]], card("dlib_resnet").chip)[0]
    score = float(faces.scores[row])
    return assess(faces.boxes[row], faces.points[row], score, chip, QualityConfig(), LEAST_PX).accepted


@dataclass
class Crowd:
    """One picture with the faces that were found in it, and those of them that could have been compared."""

    name: str
    picture: Picture
    faces: Faces
    subjects: set[int]
    """The smallest and the largest; with each of all 432 faces it holds as well, of 13,382 others."""
    fit: list[int]
    scenes: dict[int, Picture] = field(default_factory=dict)

    @property
    def scale(self) -> Floats:
        return np.asarray(np.float32(min(1.0, SCENE_WIDTH_PX / self.picture.shape[1])))

    def scene(self, row: int) -> Picture:
        if row not in self.scenes:
            others = np.delete(self.faces.boxes, row, axis=0)
            self.scenes[row] = shown(scene_picture(self.picture, self.faces.boxes[row], others))
        return self.scenes[row]

    def others(self, row: int) -> list[int]:
        return [n for n in self.fit if n != row and not belongs(self.faces.boxes[n], self.faces.boxes[row])]


@pytest.fixture(scope="module")
def detectors(shared_models: Path, pulled_models: Path) -> dict[str, Detector]:
    found = at_hand("detect", shared_models, pulled_models)
    assert {"centerface", "yunet_n"} <= found.keys()
    return {name: load_detector(one, device="cpu", weights=path, threads=1) for name, (one, path) in found.items()}


@pytest.fixture(scope="module")
def crowds(shared_data: Path, detectors: dict[str, Detector]) -> list[Crowd]:
    made = []
    for path in sorted((shared_data / "crowd").glob("*.jpg")):
        picture = read_picture(path)
        faces = find(detectors["centerface"], picture, 640)
        sizes = size_px(faces.boxes)
        rows = [int(row) for row in np.argsort(sizes) if sizes[row] >= LEAST_PX]
        if len(faces) > 1 and rows:
            fit = [n for n in rows if may_be_compared(picture, faces, n)]
            made.append(Crowd(path.name, picture, faces, {rows[0], rows[-1]}, fit))
    assert len(made) > 20
    return made


def test_only_the_subject_is_found(crowds: list[Crowd], detectors: dict[str, Detector]) -> None:
    seen, strangers = 0, []
    for one in crowds:
        for row in one.subjects:
            subject, others = one.faces.boxes[row], np.delete(one.faces.boxes, row, axis=0)
            face = shown(crop_face(one.picture, subject, others))
            corner = np.maximum(np.floor(subject[:2] - FACE_MARGIN * (subject[2:] - subject[:2])), 0)
            for image, at, side_px in (
                (one.scene(row), subject * one.scale, 640),
                (face, subject - np.tile(corner, 2), 320),
            ):
                for name, detector in detectors.items():
                    own = [belongs(box, at) for box in find(detector, image, side_px).boxes]
                    seen += any(own)
                    strangers += [(one.name, name, side_px) for mine in own if not mine]
    assert strangers == []
    assert seen > len(crowds) * 4, "the subject is still seen"


def test_nobody_else_is_good_enough_to_be_compared(crowds: list[Crowd]) -> None:
    looked, left = 0, []
    for one in crowds:
        boxes, points = one.faces.boxes * one.scale + EDGE_PX, one.faces.points * one.scale + EDGE_PX
        here = Faces(boxes, one.faces.scores, points)
        for row in one.subjects:
            scene, others = one.scene(row), one.others(row)
            looked += len(others)
            picture = carried_on(scene)
            doubtful = [n for n in others if may_be_compared(picture, here, n)]
            if doubtful:
                picture = carried_on(without(scene, one.faces.boxes[row] * one.scale))
            left += [(one.name, row, n) for n in doubtful if may_be_compared(picture, here, n)]
    assert left == []
    assert looked > 500


def test_nobody_else_is_recognised(crowds: list[Crowd], shared_models: Path, pulled_models: Path) -> None:
    for name, (described, path) in at_hand("embed", shared_models, pulled_models).items():
        clear: list[Picture] = []
        hidden: list[Picture] = []
        for one in crowds:
            for row in one.subjects:
                points = one.faces.points[one.others(row)[:MOST_COMPARED]]
                clear += list(cut_chips(one.picture, points, described.chip))
                hidden += list(cut_chips(one.scene(row), points * one.scale, described.chip))
        embedder = load_embedder(described, device="cpu", weights=path, threads=1)
        people = len(clear)
        assert people > 60
        similarity = embedder.embed(np.stack(hidden)) @ embedder.embed(np.stack(clear)).T
        own = np.diag(similarity)
        # Knowing who stands behind each hidden face, the right person is first as often as by chance.
        assert (similarity.argmax(axis=1) == np.arange(people)).mean() <= 0.05, name
        assert abs(own.mean() - similarity.mean()) < 0.02, name
        if (fit := described.calibration) is not None:
            limit = fit.short_list_threshold or fit.threshold
            # A model to which many look alike takes one for another, but nobody more often for himself than for others.
            assert (own >= limit).mean() - (similarity >= limit).mean() < 0.02, name
