"""In no picture of an alert can anybody but the subject be found or recognised, by any detector or embedder here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfr_ray.camera.redact import FACE_MARGIN, SCENE_WIDTH_PX, crop_face, scene_picture
from lfr_ray.camera.stills import encode_jpeg, read_picture
from lfr_ray.config import QualityConfig
from lfr_ray.detect.base import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.base import load_embedder
from lfr_ray.embed.quality import assess
from lfr_ray.models.cards import Detector, ModelCard
from lfr_ray.models.catalogue import card
from lfr_ray.records import Faces, Floats, Picture

pytestmark = [pytest.mark.footage, pytest.mark.timeout(600)]

DETECTORS = ("centerface", "yunet_n")
EMBEDDERS = ("dlib_resnet", "mobilefacenet_ms1m", "mobilefacenet_casia")
LEAST_PX = 24.0
"""Smaller faces are compared by nobody, and lead to no alert."""
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


def weights(described: ModelCard, folder: Path) -> Path | None:
    path = folder / described.file
    return path if path.is_file() else None


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


@pytest.fixture(scope="module")
def detectors(shared_models: Path) -> dict[str, Detector]:
    cards = [card(one) for one in DETECTORS]
    return {one.id: load_detector(one, device="cpu", weights=weights(one, shared_models), threads=1) for one in cards}


def test_in_crowds_only_the_subject_is_left(
    shared_data: Path, shared_models: Path, detectors: dict[str, Detector]
) -> None:
    pictures, seen, strangers = 0, 0, []
    still_comparable: list[bool] = []
    specs = {one: card(one) for one in EMBEDDERS}
    clear: dict[str, list[Picture]] = {one: [] for one in EMBEDDERS}
    hidden: dict[str, list[Picture]] = {one: [] for one in EMBEDDERS}
    for path in sorted((shared_data / "crowd").glob("*.jpg")):
        picture = read_picture(path)
        faces = find(detectors["centerface"], picture, 640)
        sizes = size_px(faces.boxes)
        rows = [int(row) for row in np.argsort(sizes) if sizes[row] >= LEAST_PX]
        if len(faces) < 2 or not rows:
            continue
        pictures += 1
        scale = np.float32(min(1.0, SCENE_WIDTH_PX / picture.shape[1]))
        for row in {rows[0], rows[-1]}:  # the smallest and the largest subject
            subject, others = faces.boxes[row], np.delete(faces.boxes, row, axis=0)
            scene = shown(scene_picture(picture, subject, others))
            face = shown(crop_face(picture, subject, others))
            corner = np.maximum(np.floor(subject[:2] - FACE_MARGIN * (subject[2:] - subject[:2])), 0)
            for image, at, side_px in ((scene, subject * scale, 640), (face, subject - np.tile(corner, 2), 320)):
                for name, detector in detectors.items():
                    found = find(detector, image, side_px)
                    own = [belongs(box, at) for box in found.boxes]
                    seen += any(own)
                    strangers += [(path.name, name, side_px) for mine in own if not mine]
            apart = [n for n in rows if n != row and not belongs(faces.boxes[n], subject)]
            apart = [n for n in apart if may_be_compared(picture, faces, n)][:MOST_COMPARED]
            here = Faces(faces.boxes * scale, faces.scores, faces.points * scale)
            still_comparable += [may_be_compared(scene, here, n) for n in apart]
            for one, described in specs.items():
                points = faces.points[apart]
                clear[one] += list(cut_chips(picture, points, described.chip))
                hidden[one] += list(cut_chips(scene, points * scale, described.chip))
    assert pictures > 20
    assert seen > pictures * 4, "the subject is still seen"
    assert strangers == []
    comparable = np.array(still_comparable)
    assert comparable.mean() < 0.05, "what is hidden is hardly ever good enough to be compared"
    for one, described in specs.items():
        embedder = load_embedder(described, device="cpu", weights=weights(described, shared_models), threads=1)
        people = len(clear[one])
        assert people > 60
        similarity = embedder.embed(np.stack(hidden[one])) @ embedder.embed(np.stack(clear[one])).T
        own = np.diag(similarity)
        # Knowing who stands behind each hidden face, the right person is first as often as by chance.
        assert (similarity.argmax(axis=1) == np.arange(people)).mean() <= 0.05, one
        assert abs(own.mean() - similarity.mean()) < 0.02, one
        assert described.calibration is not None
        limit = described.calibration.short_list_threshold or described.calibration.threshold
        # A model to which many look alike takes one for another, but nobody more often for himself than for others.
        assert (own >= limit).mean() - (similarity >= limit).mean() < 0.02, one
        if one != "mobilefacenet_casia":
            assert not ((own >= limit) & comparable).any(), one
