"""ONNX files in ONNX Runtime: batches, colours, and everything that a file can have wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.onnx_runtime import OnnxNetwork

CPU = Device("cpu", threads=1)
PLAIN = card("yunet_n").model_copy(update={"colour": "RGB"})


def save(path: Path, nodes: list[Any], shape: list[Any], weights: dict[str, Any] | None = None, **options: Any) -> Path:
    kind = options.get("kind", TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", kind, shape)],
        [helper.make_tensor_value_info("output", kind, None)],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    domains = [helper.make_opsetid(name, 13 if name == "" else 1) for name in ("", *options.get("domains", ()))]
    model = helper.make_model(graph, opset_imports=domains, ir_version=8)
    helper.set_model_props(model, {"made_by": "a test"})
    onnx.save(model, str(path))
    return path


def means(path: Path, batch: int | str = "batch", kind: int = TensorProto.FLOAT) -> Path:
    """A file whose output is the mean of each channel."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["output"]),
    ]
    return save(path, nodes, [batch, 3, "height", "width"], kind=kind)


def pictures(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).integers(0, 256, (count, 8, 12, 3), np.uint8)


def wanted(batch: np.ndarray[Any, Any], described: ModelCard = PLAIN) -> np.ndarray[Any, Any]:
    ordered = batch if described.colour == "RGB" else batch[..., ::-1]
    return (ordered.mean(axis=(1, 2)) - np.array(described.mean)) * described.scale


@pytest.mark.parametrize("batch", ["batch", 1, 4])
@pytest.mark.parametrize("count", [1, 3, 4, 9, 70])
def test_any_batch_through_a_fixed_or_free_one(tmp_path: Path, batch: int | str, count: int) -> None:
    session = OnnxNetwork(means(tmp_path / "means.onnx", batch), CPU, PLAIN)
    assert session.batch == (batch if isinstance(batch, int) else None)
    given = pictures(count)
    given.setflags(write=False)
    (output,) = session.run(given)
    assert output.shape == (count, 3)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, wanted(given), atol=1e-3)


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_colour_mean_and_scale_are_the_cards(tmp_path: Path, colour: str) -> None:
    described = PLAIN.model_copy(update={"colour": colour, "mean": (10.0, 20.0, 30.0), "scale": 0.5})
    (output,) = OnnxNetwork(means(tmp_path / "means.onnx"), CPU, described).run(pictures(2))
    np.testing.assert_allclose(output, wanted(pictures(2), described), atol=1e-3)
    assert np.abs(output - wanted(pictures(2), described)[:, ::-1]).max() > 1


def test_half_precision_files(tmp_path: Path) -> None:
    session = OnnxNetwork(means(tmp_path / "half.onnx", kind=TensorProto.FLOAT16), CPU, PLAIN)
    (output,) = session.run(pictures(2))
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, wanted(pictures(2)), atol=0.5)


def test_what_a_session_says_of_its_file(tmp_path: Path) -> None:
    session = OnnxNetwork(means(tmp_path / "means.onnx"), CPU, PLAIN)
    assert (session.batch, session.height_px, session.width_px) == (None, None, None)
    assert session.output_names == ("output",)
    assert session.metadata == {"made_by": "a test"}
    with pytest.raises(ShapeError):
        session.run(pictures(1)[0])


@pytest.mark.parametrize(
    ("node", "domains", "name"),
    [
        (helper.make_node("Frobnicate", ["input"], ["output"]), (), "Frobnicate"),
        (helper.make_node("Swizzle", ["input"], ["output"], domain="org.example"), ("org.example",), "Swizzle"),
    ],
)
def test_an_unknown_operator_is_named(tmp_path: Path, node: Any, domains: tuple[str, ...], name: str) -> None:
    path = save(tmp_path / "unknown.onnx", [node], [1, 3, 8, 8], domains=domains)
    with pytest.raises(ModelError) as caught:
        OnnxNetwork(path, CPU, PLAIN)
    assert "operator that neither OpenVINO nor ONNX Runtime knows" in str(caught.value)
    assert name in caught.value.got
    assert "unknown.onnx" in caught.value.got


@pytest.mark.parametrize("content", [b"", b"no model at all\n" * 20, b"\x08\x08\x12\x00"])
def test_a_file_that_is_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"not an ONNX model that can run.*text\.onnx"):
        OnnxNetwork(path, CPU, PLAIN)


def test_a_file_that_takes_no_pictures(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["input"], ["output"])
    for shape in (["batch", 128], [1, 1, 8, 8]):
        with pytest.raises(ModelError, match=r"does not take pictures.*batch, 3, height, width"):
            OnnxNetwork(save(tmp_path / "other.onnx", [node], shape), CPU, PLAIN)
    path = save(tmp_path / "double.onnx", [node], [1, 3, 8, 8], kind=TensorProto.DOUBLE)
    with pytest.raises(ModelError, match="another kind of number"):
        OnnxNetwork(path, CPU, PLAIN)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    path = save(tmp_path / "log.onnx", [helper.make_node("Log", ["input"], ["output"])], ["batch", 3, 8, 12])
    with pytest.raises(ModelError, match="not finite"):
        OnnxNetwork(path, CPU, PLAIN).run(np.zeros((1, 8, 12, 3), np.uint8))


def test_outputs_that_lose_the_batch(tmp_path: Path) -> None:
    node = helper.make_node("ReduceMean", ["input"], ["output"], axes=[0], keepdims=1)
    session = OnnxNetwork(save(tmp_path / "lost.onnx", [node], ["batch", 3, 8, 12]), CPU, PLAIN)
    assert session.run(pictures(1))[0].shape == (1, 3, 8, 12)
    with pytest.raises(ModelError, match="does not keep the pictures of a batch apart"):
        session.run(pictures(2))


def test_a_graph_that_fails_on_another_size(tmp_path: Path) -> None:
    path = save(tmp_path / "fixed.onnx", [helper.make_node("Relu", ["input"], ["output"])], ["batch", 3, 8, 8])
    with pytest.raises(ModelError, match=r"failed.*\(1, 8, 12, 3\)"):
        OnnxNetwork(path, CPU, PLAIN).run(pictures(1))
