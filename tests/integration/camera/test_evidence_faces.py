"""Faces that a scene picture hides are of no use to our own detector and embedder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfr_ray.camera.redact import scene_picture
from lfr_ray.camera.stills import read_picture
from lfr_ray.detect.base import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.base import load_embedder
from lfr_ray.models.catalogue import card
from lfr_ray.records import Faces, Picture

PEOPLE = 40
ELSEWHERE = np.array([0, 0, 2, 2], np.float32)


@pytest.mark.footage
def test_hidden_faces_are_neither_found_nor_recognised(shared_data: Path) -> None:
    detector = load_detector(card("centerface"), device="cpu", threads=1)
    embedding = card("dlib_resnet")
    embedder = load_embedder(embedding, device="cpu", threads=1)

    def find(picture: Picture) -> Faces:
        canvas, mapping = fit(picture, 640, 384)
        return mapping.back(detector.detect(canvas[None])[0])

    open_chips, hidden_chips, found_again = [], [], 0
    for folder in sorted((shared_data / "images").iterdir())[::20][:PEOPLE]:
        picture = read_picture(sorted(folder.glob("*.jpg"))[0])
        faces = find(picture)
        if not len(faces):
            continue
        scene = scene_picture(picture, ELSEWHERE, faces.boxes)
        found_again += len(find(scene))
        for chips, source in ((open_chips, picture), (hidden_chips, scene)):
            chips.append(cut_chips(source, faces.points[:1], embedding.chip)[0])
    people = len(open_chips)
    assert people > PEOPLE * 3 // 4
    assert found_again <= people // 10
    similarity = embedder.embed(np.stack(hidden_chips)) @ embedder.embed(np.stack(open_chips)).T
    own = np.diag(similarity)
    # Knowing who stands behind each hidden face, the right person is first as often as by chance.
    assert (similarity.argmax(axis=1) == np.arange(people)).mean() <= 0.1
    assert abs(own.mean() - similarity.mean()) < 0.02
