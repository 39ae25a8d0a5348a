"""Photographs that lie on their side, with the demo's people and the real detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.camera.demo_source import write_watchlist
from lfr_ray.camera.still_pictures import encode_jpeg, read_picture
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.enrol.import_folder import Reading, enrol_folder
from lfr_ray.enrol.still_faces import detect_stills, turn_needed_deg, turned
from lfr_ray.match.watchlist_entries import Note
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector
from lfr_ray.records import Faces, Picture

WAYS = {90: "by 90 degrees clockwise", 180: "by 180 degrees", 270: "by 90 degrees counter-clockwise"}


@pytest.fixture(scope="module")
def centerface() -> Detector:
    return load_detector(card("centerface"), device="cpu")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    folder = write_watchlist(tmp_path_factory.mktemp("people"))
    return [read_picture(path) for path in sorted(folder.glob("*/*.jpg"))]


@pytest.mark.parametrize("clockwise_deg", [0, 90, 180, 270])
def test_how_a_picture_must_be_turned(portraits: list[Picture], centerface: Detector, clockwise_deg: int) -> None:
    for portrait in portraits:
        lying = turned(portrait, (360 - clockwise_deg) % 360)
        (faces,) = detect_stills([lying], centerface)
        assert turn_needed_deg(lying, faces, centerface) == clockwise_deg
        np.testing.assert_array_equal(turned(lying, clockwise_deg), portrait)


def test_a_picture_without_anybody_is_not_called_rotated(centerface: Detector) -> None:
    hills = np.tile(np.linspace(40, 200, 300, dtype=np.uint8)[:, None, None], (1, 400, 3))
    noise = np.random.default_rng(3).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    for picture in (hills, noise):
        assert turn_needed_deg(picture, Faces.none(), centerface) == 0


@pytest.mark.parametrize("deg", [90, 180, 270])
def test_it_is_said_and_with_the_option_it_is_turned(
    portraits: list[Picture], centerface: Detector, embedder: Any, tmp_path: Path, deg: int
) -> None:
    for number, portrait in enumerate(portraits):
        (tmp_path / f"e{number}").mkdir()
        lying = turned(portrait, 360 - deg)
        (tmp_path / f"e{number}" / "1.jpg").write_bytes(encode_jpeg(lying, 95))
    refused = enrol_folder(tmp_path, None, centerface, embedder, now=1.8e9, one_entry_each=False)
    assert refused.entries == 0
    said = {one.file: one.reason for one in refused.rejected}
    for number in range(len(portraits)):
        reason = said[f"e{number}/1.jpg"]
        assert f"perhaps rotated by {180 if deg == 180 else 90} degrees" in reason
        assert WAYS[deg] in reason
        assert "--rotate" in reason
    taken = enrol_folder(
        tmp_path, None, centerface, embedder, now=1.8e9, one_entry_each=False, reading=Reading(rotate=True)
    )
    assert taken.entries == len(portraits)
    assert taken.notes == tuple(Note(f"e{number}/1.jpg", f"turned {WAYS[deg]}") for number in range(len(portraits)))
