"""MobileFaceNet out of a TFLite file: the file's own vectors, in batches of any size."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import openvino
import pytest

from lfr_ray.embed.chip_embedder import LARGEST_BATCH as MAX_BATCH
from lfr_ray.embed.chip_embedder import ChipEmbedder
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.embedder_self_test import probe_chips
from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Embedder, ModelCard
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.torch_runtime import open_tflite
from lfr_ray.models.weight_files import find_weights
from lfr_ray.records import Floats, Picture

SIDE_PX = 112
ENOUGH = 0.998
"""Half precision against single; on faces it is 0.9998."""


def described() -> ModelCard:
    return card("mobilefacenet_ms1m_tflite")


@pytest.fixture(scope="module")
def plain(pulled_embedder: Path) -> Embedder:
    return load_embedder(described(), weights=pulled_embedder, mirror=False)


@pytest.fixture(scope="module")
def chips() -> Picture:
    """Smooth pictures, more of them than one batch holds."""
    found = [np.roll(probe_chips(SIDE_PX, SIDE_PX)[number % 2], 7 * number, axis=1) for number in range(MAX_BATCH + 3)]
    return np.stack(found)


def reference(path: Path, chips: Picture) -> Floats:
    """What the file itself gives, two chips at a time, as it was written for."""
    network = openvino.Core().compile_model(
        openvino.Core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    pairs = [chips[[at, (at + 1) % len(chips)]] for at in range(len(chips))]
    found = np.stack([network((pair.astype(np.float32) - 127.5) / 128)[0][0] for pair in pairs])
    vectors: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
    return vectors


def test_a_batch_of_any_size_has_the_files_own_vectors(pulled_embedder: Path, plain: Embedder, chips: Picture) -> None:
    expected = reference(pulled_embedder, chips)
    for count in (1, 2, 3, len(chips)):
        cosines = (plain.embed(chips[:count]) * expected[:count]).sum(axis=1)
        assert cosines.min() > ENOUGH
    assert (expected[0] * expected[1]).sum() < ENOUGH, "these chips are told apart"


def test_no_chips_and_wrong_chips(plain: Embedder) -> None:
    assert plain.embed(np.zeros((0, SIDE_PX, SIDE_PX, 3), np.uint8)).shape == (0, 192)
    with pytest.raises(ShapeError):
        plain.embed(np.zeros((1, SIDE_PX, SIDE_PX + 1, 3), np.uint8))


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"colour": "BGR"}, "colour order is wrong: state RGB"),
        ({"mean": (0.0, 0.0, 0.0)}, "check the card's colour order, mean, scale"),
        ({"scale": 1.0}, "check the card's colour order, mean, scale"),
    ],
)
def test_a_card_that_prepares_the_pixels_otherwise(
    pulled_embedder: Path, change: dict[str, object], advice: str
) -> None:
    with pytest.raises(ModelError, match="probe chip") as caught:
        load_embedder(described().model_copy(update=change), weights=pulled_embedder)
    assert advice in caught.value.next_step


def with_file(path: Path) -> ModelCard:
    return described().model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})


def test_no_tflite_file(tmp_path: Path) -> None:
    path = tmp_path / "noise.tflite"
    path.write_bytes(b"\x18\x00\x00\x00TFL3" + bytes(range(256)))
    with pytest.raises(ModelError, match="OpenVINO cannot read the file"):
        load_embedder(with_file(path), weights=path)


def test_a_network_of_another_kind() -> None:
    path = find_weights(card("centerface"))
    with pytest.raises(ModelError, match="another chip than its file"):
        load_embedder(with_file(path), weights=path)


def test_in_torch_it_has_the_files_own_vectors(pulled_embedder: Path, chips: Picture) -> None:
    """As on CUDA, which no runtime of TFLite knows; here in single precision on the processor."""
    network = open_tflite(pulled_embedder, Device("cpu"), described())
    embedder = ChipEmbedder(described(), network, mirror=False)
    for count in (1, 3, len(chips)):
        cosines = (embedder.embed(chips[:count]) * reference(pulled_embedder, chips[:count])).sum(axis=1)
        assert cosines.min() > 0.99999
