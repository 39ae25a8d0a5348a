"""Embedders in ONNX files: the card says everything, and a card or file that is wrong is refused before it is used."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.embedder_self_test import check_vectors, probe_chips
from lfr_ray.errors import LicenceError, ModelError, ShapeError
from lfr_ray.models.card_catalogue import card, card_from_yaml
from lfr_ray.models.cards import ModelCard

MATRIX = np.random.default_rng(1).standard_normal((32, 128)).astype(np.float32)
KERNELS = np.random.default_rng(2).standard_normal((32, 3, 7, 7)).astype(np.float32)


def save(
    path: Path, *, gain: float = 1.0, shift: float = 1.0, batch: int | str = "batch", side_px: int | str = 112
) -> Path:
    """A small embedder: convolution, mean, matrix. ``gain`` 0 gives one vector for every picture."""
    offset = np.full(128, shift, np.float32)
    nodes = [
        helper.make_node("Conv", ["data", "kernels"], ["a"], strides=[4, 4]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "matrix", "offset"], ["fc1"]),
    ]
    weights = {"kernels": KERNELS * gain, "matrix": MATRIX, "offset": offset}
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, side_px, side_px])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ["batch", 128])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def vouch(path: Path, known: str = "mobilefacenet_ms1m", **changes: Any) -> ModelCard:
    update = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "probe": (), **changes}
    return card(known).model_copy(update=update)


def load(path: Path, *, mirror: bool = False, **changes: Any) -> Any:
    return load_embedder(vouch(path, **changes), device="cpu", weights=path, mirror=mirror)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save(tmp_path / "embedder.onnx")


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("known", ["mobilefacenet_ms1m", "sface_2021dec"])
def test_vectors_of_unit_length_one_by_one_as_in_a_batch(tmp_path: Path, batch: int | str, known: str) -> None:
    embedder = load(save(tmp_path / "embedder.onnx", batch=batch), known=known)
    chips = probe_chips(112, 112)
    together = embedder.embed(chips)
    assert together.shape == (3, 128)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, np.concatenate([embedder.embed(chip[None]) for chip in chips]), atol=1e-5)
    assert embedder.embed(chips[:0]).shape == (0, 128)


def test_the_mirrored_mean_is_the_same_for_the_mirror_image(file: Path) -> None:
    embedder = load(file, mirror=True)
    chips = probe_chips(112, 112)
    np.testing.assert_allclose(embedder.embed(chips), embedder.embed(chips[:, :, ::-1]), atol=1e-5)
    assert np.abs(embedder.embed(chips) - load(file).embed(chips)).max() > 1e-3


def test_the_card_states_the_colour_order(file: Path) -> None:
    chips = probe_chips(112, 112)
    right, other = load(file), load(file, colour="BGR")
    np.testing.assert_allclose(other.embed(chips), right.embed(chips[..., ::-1]), atol=1e-5)
    assert (right.embed(chips[:1]) @ other.embed(chips[:1]).T).item() < 0.99


def test_a_card_in_the_wrong_colour_order_is_told_by_its_probe(file: Path) -> None:
    vector = load(file).embed(probe_chips(112, 112)[:1])[0]
    probe = tuple(float(number) for number in vector[:16].round(4))
    load(file, probe=probe)
    with pytest.raises(ModelError, match=r"colour order BGR.*wrong: state RGB"):
        load(file, probe=probe, colour="BGR")
    with pytest.raises(ModelError, match="check the card's colour order, mean, scale and chip"):
        load(file, probe=probe, mean=(127.5, 127.5, 127.5))


def test_a_probe_that_is_longer_than_the_vector() -> None:
    vectors = np.eye(3, 4, dtype=np.float32)
    described = card("mobilefacenet_ms1m").model_copy(update={"probe": (1.0, 0.0, 0.0, 0.0, 0.0)})
    with pytest.raises(ModelError):
        check_vectors(described, vectors, vectors[:1])


def test_one_vector_for_every_picture(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the same vector for every picture"):
        load(save(tmp_path / "constant.onnx", gain=0.0))


def test_another_vector_length(file: Path) -> None:
    with pytest.raises(ModelError, match=r"another length.*\(4, 128\).*\(4, 512\)"):
        load(file, vector_length=512)


def test_vectors_that_are_not_finite(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not finite"):
        load(save(tmp_path / "nan.onnx", shift=float("nan")))


def test_another_file_than_the_card_describes(file: Path) -> None:
    with pytest.raises(ModelError, match=r"not the one that its card describes.*embedder\.onnx.*sha256"):
        load_embedder(card("mobilefacenet_ms1m"), device="cpu", weights=file)


def test_another_chip_than_the_file_takes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"another chip.*112x112.*96x96"):
        load(save(tmp_path / "small.onnx", side_px=96))


@pytest.mark.parametrize(("change", "missing"), [({"chip": None}, "chip"), ({"vector_length": 0}, "vector_length")])
def test_a_card_that_does_not_say_enough(file: Path, change: dict[str, Any], missing: str) -> None:
    with pytest.raises(ModelError, match=f"no {missing}"):
        load(file, **change)


def test_chips_of_another_shape(file: Path) -> None:
    with pytest.raises(ShapeError):
        load(file).embed(np.zeros((1, 150, 150, 3), np.uint8))


@pytest.mark.parametrize("change", [{"colour": "BGR"}, {"scale": 0.0078125}, {"mean": (127.5, 127.5, 127.5)}])
def test_sface_prepares_the_pixels_itself(file: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="which SFace does itself"):
        load(file, known="sface_2021dec", **change)


def test_a_card_that_a_user_writes(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    points = [[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]
    path.write_text(
        f"""{{id: mine, task: embed, family: onnx, title: mine, licence: mine, commercial_use: true, origin: here,
        sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}, colour: BGR, mean: [127.5, 127.5, 127.5],
        scale: 0.0078125, vector_length: 128, chip: {{width_px: 112, height_px: 112, template_px: {points}}}}}"""
    )
    embedder = load_embedder(card_from_yaml(path), device="cpu", weights=file, declared_use="operational")
    assert embedder.embed(probe_chips(112, 112)).shape == (3, 128)


def test_a_research_licence_refuses_operational_use(file: Path) -> None:
    described = vouch(file, commercial_use=False)
    for use in ("research", "test"):
        load_embedder(described, device="cpu", weights=file, declared_use=use)
    with pytest.raises(LicenceError, match=r"operational.*research, test"):
        load_embedder(described, device="cpu", weights=file, declared_use="operational")


def test_stability_is_the_similarity_to_the_mirror_image(file: Path) -> None:
    both, single = load(file, mirror=True), load(file)
    spec = both.chip
    chips = np.random.default_rng(4).integers(0, 256, (3, spec.height_px, spec.width_px, 3), np.uint8)
    found = both.judged(chips)
    one, other = single.embed(chips), single.embed(chips[:, :, ::-1])
    np.testing.assert_allclose(found.stability, (one * other).sum(axis=1), atol=1e-5)
    np.testing.assert_array_equal(found.vectors, both.embed(chips))
    assert (single.judged(chips).stability == 1).all()
