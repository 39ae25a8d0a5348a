"""In no picture of an alert can anybody but the subject be found or recognised, by any detector or embedder here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfr_ray.camera.redact import crop_face, scene_picture
from lfr_ray.camera.stills import encode_jpeg, read_picture
from lfr_ray.detect.base import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.base import load_embedder
from lfr_ray.models.cards import Detector, ModelCard
from lfr_ray.models.catalogue import card
from lfr_ray.records import Faces, Floats, Picture

pytestmark = pytest.mark.footage

DETECTORS = ("centerface", "yunet_n")
EMBEDDERS = ("dlib_resnet", "mobilefacenet_ms1m", "mobilefacenet_casia")
SUBJECTS = 3
"""Of each picture: the largest, the smallest and one between."""
LEAST_PX = 24.0
"""Smaller faces are compared by nobody, and lead to no alert."""


def find(detector: Detector, picture: Picture, width_px: int = 640, height_px: int = 640) -> Faces:
    canvas, mapping = fit(picture, width_px, height_px)
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


def test_in_crowds_only_the_subject_is_left(shared_data: Path, shared_models: Path) -> None:
    cards = [card(one) for one in DETECTORS]
    detectors = [load_detector(one, device="cpu", weights=weights(one, shared_models)) for one in cards]
    embedders = [
        (card(one), load_embedder(card(one), device="cpu", weights=weights(card(one), shared_models)))
        for one in EMBEDDERS
    ]
    pictures, people, strangers, seen, chips = 0, 0, [], 0, {one: ([], []) for one in EMBEDDERS}
    for path in sorted((shared_data / "crowd").glob("*.jpg")):
        picture = read_picture(path)
        faces = find(detectors[0], picture)
        large = [
            row for row in range(len(faces)) if np.sqrt(np.prod(faces.boxes[row, 2:] - faces.boxes[row, :2])) > LEAST_PX
        ]
        large.sort(key=lambda row: float(np.prod(faces.boxes[row, 2:] - faces.boxes[row, :2])))
        if len(faces) < 2 or not large:
            continue
        pictures += 1
        scale = min(1.0, 1280 / picture.shape[1])
        for row in {large[0], large[len(large) // 2], large[-1]}:
            subject, others = faces.boxes[row], np.delete(faces.boxes, row, axis=0)
            scene, face = shown(scene_picture(picture, subject, others)), shown(crop_face(picture, subject, others))
            grow = 0.4 * (subject[2:] - subject[:2])
            corner = np.maximum(np.floor(subject[:2] - grow), 0)
            at_face = subject - np.tile(corner, 2)
            for what, image, at in (("scene", scene, subject * np.float32(scale)), ("face", face, at_face)):
                for name, detector in zip(DETECTORS, detectors, strict=True):
                    found = find(detector, image, 640 if what == "scene" else 320, 640 if what == "scene" else 320)
                    own = [belongs(box, at) for box in found.boxes]
                    seen += any(own)
                    strangers += [
                        (path.name, what, name, float(s)) for s, mine in zip(found.scores, own, strict=True) if not mine
                    ]
            for other in (n for n in range(len(faces)) if n != row and not belongs(faces.boxes[n], subject)):
                people += 1
                for described, _ in embedders:
                    points = faces.points[[other]]
                    clear, hidden = chips[described.id]
                    clear.append(cut_chips(picture, points, described.chip)[0])
                    hidden.append(cut_chips(scene, points * np.float32(scale), described.chip)[0])
    assert pictures > 20
    assert people > 200
    assert seen > pictures * 4, "the subject is still seen"
    assert strangers == []
    for described, embedder in embedders:
        clear, hidden = (
            np.concatenate([embedder.embed(np.stack(some[i : i + 32])) for i in range(0, len(some), 32)])
            for some in chips[described.id]
        )
        own = (clear * hidden).sum(axis=1)
        calibration = described.calibration
        assert calibration is not None
        print(
            described.id, "own", own.mean(), own.max(), "others", (hidden @ clear.T).mean(), calibration.view_threshold
        )
        assert own.max() < calibration.view_threshold
