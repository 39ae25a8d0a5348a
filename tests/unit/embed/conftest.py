"""Faces that installed packages ship, upright."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.align import cut_chips
from lfr_ray.enrol.still_faces import detect_stills
from lfr_ray.models import openvino_runtime
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ChipSpec


@pytest.fixture
def single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without half precision."""
    monkeypatch.setattr(openvino_runtime, "capabilities", lambda _device: ("FP32",))


PICTURES = (("skimage", "data/astronaut.png"), ("ultralytics", "assets/zidane.jpg"))


@pytest.fixture(scope="session")
def cut_faces() -> dict[str, np.ndarray]:
    """Chips of three real, uncovered faces, ``uint8 (3, h, w, 3)``, by embedder card."""
    detector = load_detector(card("centerface"), device="cpu")
    found: dict[str, np.ndarray] = {}
    for name in ("dlib_resnet", "sface_2021dec"):
        spec = card(name).chip
        assert isinstance(spec, ChipSpec)
        chips = []
        for package, path in PICTURES:
            picture = read_picture(Path(str(resources.files(package))) / path)
            (faces,) = detect_stills([picture], detector)
            chips.append(cut_chips(picture, faces.points[faces.scores > 0.6], spec))
        found[name] = np.concatenate(chips)
    return found
