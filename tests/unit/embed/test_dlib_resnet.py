"""dlib's face ResNet: equal to dlib itself, and well-behaved vectors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.dlib_resnet import DlibResNet
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.weight_files import find_weights, package_file
from lfr_ray.records import Picture


@pytest.fixture(scope="module")
def embedder() -> DlibResNet:
    loaded = load_embedder(card("dlib_resnet"), device="cpu", mirror=False)
    assert isinstance(loaded, DlibResNet)
    return loaded


@pytest.fixture
def exact(single_precision: None) -> DlibResNet:
    loaded = load_embedder(card("dlib_resnet"), device="cpu", mirror=False)
    assert isinstance(loaded, DlibResNet)
    assert loaded.network.precision == "float32"
    return loaded


@pytest.fixture(scope="module")
def mirrored() -> DlibResNet:
    loaded = load_embedder(card("dlib_resnet"), device="cpu")
    assert isinstance(loaded, DlibResNet)
    return loaded


@pytest.fixture(scope="module")
def faces() -> Picture:
    """Three real faces, two of them of one picture."""
    detector = load_detector(card("centerface"), device="cpu")
    spec = card("dlib_resnet").chip
    assert spec is not None
    chips = []
    for package, file in (("ultralytics", "assets/zidane.jpg"), ("skimage", "data/astronaut.png")):
        path = package_file(package, file)
        assert path is not None
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        canvas, mapping = fit(picture, 640, 384)
        chips.append(cut_chips(picture, mapping.back(detector.detect(canvas[None])[0]).points, spec))
    return np.concatenate(chips)


def noise(count: int) -> Picture:
    return np.random.default_rng(count).integers(0, 256, (count, 150, 150, 3), np.uint8)


def smooth_chip() -> Picture:
    """A chip that any program can make again: sine waves of x and y, one channel another."""
    y, x = np.mgrid[0:150, 0:150]
    waves = [np.sin(x / 17 + 2 * y / 31), np.cos(x / 11 - y / 23), np.sin(x * y / 900)]
    return np.stack([(127.5 + 120 * wave).astype(np.uint8) for wave in waves], axis=2)[None]


# fmt: off
DLIB_SAID = (
    -0.06022, 0.10329, 0.03035, -0.02911, -0.09944, -0.02327, -0.03665, 0.00060, 0.06609, -0.01321, 0.19960, -0.06536,
    -0.26614, -0.01295, 0.03088, 0.09954, -0.09939, -0.04995, -0.18377, -0.09454, 0.03338, 0.02638, -0.00383, 0.02368,
    -0.08802, -0.31683, -0.05697, -0.09755, 0.02958, -0.16250, 0.04436, 0.02114, -0.10899, -0.04532, 0.01956, 0.02330,
    -0.02803, -0.10669, 0.14145, -0.05087, -0.18245, -0.06447, 0.07665, 0.24988, 0.15572, 0.04167, 0.02459, -0.05560,
    0.05764, -0.22799, 0.04959, 0.12393, 0.05932, 0.12297, 0.10854, -0.11386, 0.05692, 0.10586, -0.13699, 0.02051,
    0.06533, -0.09038, -0.03705, -0.15047, 0.19835, 0.04437, -0.09454, -0.13568, 0.07661, -0.15501, -0.08115, 0.07950,
    -0.09886, -0.17548, -0.26006, 0.09207, 0.33907, 0.20249, -0.18407, 0.00009, -0.04794, -0.05844, 0.06260, 0.07157,
    -0.03471, -0.03325, -0.06697, 0.05604, 0.19262, -0.10021, 0.01221, 0.16210, -0.01730, -0.03028, -0.01472, 0.02424,
    -0.12361, 0.05132, -0.05759, 0.02043, 0.13046, -0.10984, 0.01341, 0.06637, -0.15112, 0.13066, -0.00090, -0.04063,
    0.04576, 0.00387, -0.08320, -0.06606, 0.19733, -0.22160, 0.19741, 0.20873, 0.04821, 0.11355, 0.04782, 0.14646,
    0.00191, -0.00429, -0.14647, -0.06376, 0.06222, 0.01082, -0.03521, -0.00728,
)
# fmt: on
"""The descriptor that dlib 20.0.1 itself computed for ``smooth_chip``."""


def test_equal_to_the_numbers_that_dlib_gave(exact: DlibResNet) -> None:
    np.testing.assert_allclose(exact.raw(smooth_chip())[0], DLIB_SAID, atol=1e-4)


def test_half_precision_points_where_dlib_does(embedder: DlibResNet) -> None:
    found = embedder.embed(smooth_chip())[0]
    assert found @ np.array(DLIB_SAID) / np.linalg.norm(DLIB_SAID) > 0.999


def test_equal_to_dlib_itself(exact: DlibResNet, faces: Picture) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib is not installed (the extra named bench has it)")
    network = dlib.face_recognition_model_v1(str(find_weights(card("dlib_resnet"))))
    chips = np.concatenate([faces, noise(2), smooth_chip()])
    theirs = np.array(network.compute_face_descriptor(list(chips), 0))
    np.testing.assert_allclose(exact.raw(chips), theirs, atol=1e-4)


def test_vectors_have_unit_length_and_descriptors_do_not(embedder: DlibResNet, faces: Picture) -> None:
    vectors = embedder.embed(faces)
    assert vectors.shape == (3, 128)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    raw = embedder.raw(faces)
    assert (np.linalg.norm(raw, axis=1) > 1.1).all()
    np.testing.assert_allclose(raw / np.linalg.norm(raw, axis=1, keepdims=True), vectors, atol=1e-5)


def test_the_mirrored_mean_is_the_same_for_the_mirror_image(mirrored: DlibResNet, faces: Picture) -> None:
    turned = np.ascontiguousarray(faces[:, :, ::-1])
    np.testing.assert_allclose(mirrored.embed(faces), mirrored.embed(turned), atol=1e-4)


def test_a_face_is_nearer_to_itself_than_to_others(mirrored: DlibResNet, faces: Picture) -> None:
    darker = (faces * 0.6).astype(np.uint8)
    blurred = np.stack([cv2.GaussianBlur(chip, (0, 0), 1.5) for chip in faces])
    vectors = mirrored.embed(faces)
    for changed in (darker, blurred):
        similarities = mirrored.embed(changed) @ vectors.T
        assert (similarities.argmax(axis=1) == np.arange(3)).all()
        assert (np.diag(similarities) > 0.96).all()
    others = (vectors @ vectors.T)[~np.eye(3, dtype=bool)]
    calibration = card("dlib_resnet").calibration
    assert calibration is not None
    assert (others < calibration.view_threshold).all()


@pytest.mark.parametrize("count", [1, 5, 66])
def test_batches_equal_one_by_one(embedder: DlibResNet, count: int) -> None:
    chips = np.concatenate([noise(2)] * 33)[:count]
    chips.setflags(write=False)
    alone = np.concatenate([embedder.embed(chips[:1]), embedder.embed(chips[1:2])]) if count > 1 else None
    together = embedder.embed(chips)
    assert together.shape == (count, 128)
    if alone is not None:
        np.testing.assert_allclose(together, np.concatenate([alone] * 33)[:count], atol=1e-4)


def test_no_chips_no_vectors(mirrored: DlibResNet) -> None:
    assert mirrored.embed(np.zeros((0, 150, 150, 3), np.uint8)).shape == (0, 128)


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 112, 112, 3), np.uint8), np.zeros((150, 150, 3), np.uint8), np.zeros((1, 150, 150, 3))]
)
def test_chips_of_another_shape(embedder: DlibResNet, wrong: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        embedder.embed(wrong)


def test_a_card_with_another_chip_is_refused() -> None:
    described = card("dlib_resnet")
    assert described.chip is not None
    for chip, said in ((None, "no chip"), (described.chip.model_copy(update={"width_px": 112}), "another chip")):
        with pytest.raises(ModelError, match=said):
            load_embedder(described.model_copy(update={"chip": chip}), device="cpu")


def test_a_network_with_other_layers_is_refused(tmp_path: Path) -> None:
    import hashlib

    whole = bytearray(find_weights(card("dlib_resnet")).read_bytes())
    second = whole.index(b"\x01\x05con_4", whole.index(b"\x01\x05con_4") + 1)
    whole[second + 2] = ord("k")  # that convolution is now a layer that nobody knows
    path = tmp_path / "other.dat"
    path.write_bytes(whole)
    vouched = card("dlib_resnet").model_copy(update={"sha256": hashlib.sha256(whole).hexdigest()})
    with pytest.raises(ModelError) as caught:
        load_embedder(vouched, device="cpu", weights=path)
    assert "other.dat: layer 3 is affine_" in caught.value.got
    assert caught.value.allowed == "con_4 with 9248 numbers"


def test_stability_is_the_similarity_to_the_mirror_image(
    embedder: DlibResNet, mirrored: DlibResNet, faces: Picture
) -> None:
    chips = np.concatenate([faces, noise(2)])
    found = mirrored.judged(chips)
    one, other = embedder.embed(chips), embedder.embed(chips[:, :, ::-1])
    np.testing.assert_allclose(found.stability, (one * other).sum(axis=1), atol=1e-5)
    np.testing.assert_array_equal(found.vectors, mirrored.embed(chips))
    both = embedder.raw(chips) + embedder.raw(chips[:, :, ::-1])  # the longer counts for more, as in lists of before
    np.testing.assert_allclose(found.vectors, both / np.linalg.norm(both, axis=1, keepdims=True), atol=1e-5)
    assert (found.stability[: len(faces)] > 0.95).all(), "faces are nearly their own mirror images"
    assert (embedder.judged(chips).stability == 1).all(), "nobody looked"
    assert mirrored.judged(chips[:0]).stability.shape == (0,)
