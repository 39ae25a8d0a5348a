"""The estimator on real faces, as they are and with things laid over them; and files that are not its own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.embed.occlusion import FEATURES, Occlusion, occlusion_for
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.weight_files import find_weights
from lfr_ray.records import LOWER, UPPER

DARK = (20, 20, 24)
MODELS = ("dlib_resnet", "sface_2021dec")


def masked(chip: np.ndarray, name: str) -> np.ndarray:
    """A light blue mask, from the bridge of the nose to below the chin."""
    spec = card(name).chip
    assert spec is not None
    eyes, nose, mouth = spec.template_px[:2], spec.template_px[2], spec.template_px[3:]
    wide = eyes[1][0] - eyes[0][0]
    low = mouth[0][1] + 0.5 * wide
    outline = [
        (eyes[0][0] - 0.4 * wide, eyes[0][1] + 0.25 * wide), (nose[0], nose[1] - 0.3 * wide),
        (eyes[1][0] + 0.4 * wide, eyes[1][1] + 0.25 * wide), (mouth[1][0] + 0.15 * wide, low),
        (mouth[0][0] - 0.15 * wide, low),
    ]  # fmt: skip
    return cv2.fillPoly(chip.copy(), [np.array(outline).astype(np.int32)], (150, 185, 215))


def shaded(chip: np.ndarray, name: str) -> np.ndarray:
    """Sunglasses."""
    spec = card(name).chip
    assert spec is not None
    (left, right), worn = spec.template_px[:2], chip.copy()
    wide = right[0] - left[0]
    for x, y in (left, right):
        cv2.ellipse(
            worn, (round(x), round(y + 2)), (round(0.42 * wide), round(0.3 * wide)), 0, 0, 360, (20, 20, 24), -1
        )
    return cv2.line(worn, (round(left[0]), round(left[1] - 3)), (round(right[0]), round(right[1] - 3)), (20, 20, 24), 3)


@pytest.mark.parametrize("name", MODELS)
def test_it_tells_what_is_covered_on_chips_of_any_embedder(name: str, cut_faces: dict[str, np.ndarray]) -> None:
    spec = card(name).chip
    assert spec is not None
    occlusion = Occlusion(spec)
    for chip in cut_faces[name]:
        assert occlusion.kind(chip) == ""
        assert occlusion.kind(masked(chip, name)) == LOWER
        assert occlusion.kind(shaded(chip, name)) == UPPER
        assert occlusion.kind(masked(shaded(chip, name), name)) is None


def test_a_region_without_views_is_compared_as_it_is(cut_faces: dict[str, np.ndarray]) -> None:
    spec = card("dlib_resnet").chip
    assert spec is not None
    only_lower = Occlusion(spec, (LOWER,))
    chip = cut_faces["dlib_resnet"][0]
    assert only_lower.kind(masked(chip, "dlib_resnet")) == LOWER
    assert only_lower.kind(shaded(chip, "dlib_resnet")) == ""
    assert only_lower.kind(masked(shaded(chip, "dlib_resnet"), "dlib_resnet")) is None


def test_a_card_without_covered_fits_has_no_estimator() -> None:
    assert occlusion_for(card("dlib_resnet")) is not None
    assert occlusion_for(card("sface_2021dec")) is None


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    spec = card("dlib_resnet").chip
    assert spec is not None
    content = bytearray(find_weights(card("occlusion_hog")).read_bytes())
    content[2000] ^= 1
    (tmp_path / "occlusion.npz").write_bytes(content)
    with pytest.raises(ModelError, match="is not the one"):
        Occlusion(spec, path=tmp_path / "occlusion.npz")


@pytest.mark.parametrize("broken", ["shape", "not a number", "missing", "no archive"])
def test_other_numbers_are_refused(tmp_path: Path, broken: str) -> None:
    import hashlib

    spec = card("dlib_resnet").chip
    assert spec is not None
    numbers = {
        "mean": np.zeros(FEATURES), "first": np.zeros((FEATURES, 4)), "first_offset": np.zeros(4),
        "second": np.zeros((4, 2)), "second_offset": np.zeros(2),
    }  # fmt: skip
    if broken == "shape":
        numbers["first"] = np.zeros((FEATURES - 1, 4))
    elif broken == "not a number":
        numbers["mean"][3] = np.nan
    elif broken == "missing":
        del numbers["second"]
    path = tmp_path / "weights.npz"
    np.savez(path, **numbers) if broken != "no archive" else path.write_bytes(b"nothing")
    told = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_bytes": path.stat().st_size}
    with pytest.raises(ModelError, match="occlusion estimator"):
        Occlusion(spec, card=card("occlusion_hog").model_copy(update=told), path=path)
