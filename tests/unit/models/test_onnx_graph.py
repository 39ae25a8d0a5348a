"""A torch module from an ONNX graph: equal to ONNX Runtime, and refusing what it does not understand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from lfr_ray.errors import ModelError
from lfr_ray.models.catalogue import card
from lfr_ray.models.onnx_graph import OPERATORS, read_onnx
from lfr_ray.models.weights import find_weights

Weights = dict[str, np.ndarray[Any, Any]]
RNG = np.random.default_rng(7)


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.standard_normal(shape).astype(np.float32)


def save(path: Path, nodes: list[Any], weights: Weights, outputs: tuple[str, ...] = ("out",)) -> Path:
    """An ONNX file with one input ``in`` of any size."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def reference(path: Path, pictures: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """What ONNX Runtime says."""
    model = onnx.load(str(path))
    for value in (model.graph.input[0], *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {model.graph.input[0].name: pictures}))


def ours(path: Path, pictures: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    with torch.no_grad():
        return [value.numpy() for value in read_onnx(path).eval()(torch.from_numpy(pictures))]


@pytest.mark.parametrize("shape", [(1, 3, 96, 160), (3, 3, 64, 32)])
def test_centerface_equals_onnxruntime(shape: tuple[int, ...]) -> None:
    path = find_weights(card("centerface"))
    pictures = RNG.integers(0, 256, shape).astype(np.float32)
    for mine, theirs in zip(ours(path, pictures), reference(path, pictures), strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, atol=1e-4, rtol=1e-4)


CONVOLUTIONS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"pads": [1, 1, 1, 1]}, (4, 3, 3, 3)),
    ({"pads": [0, 1, 1, 2], "strides": [2, 1]}, (4, 3, 3, 3)),
    ({"group": 3, "dilations": [2, 2]}, (6, 1, 3, 3)),
    ({}, (2, 3, 1, 5)),
]


@pytest.mark.parametrize(("attributes", "shape"), CONVOLUTIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_convolutions(tmp_path: Path, attributes: dict[str, Any], shape: tuple[int, ...], bias: bool) -> None:
    weights = {"kernel": floats(*shape), **({"bias": floats(shape[0])} if bias else {})}
    node = helper.make_node("Conv", ["in", *weights], ["out"], kernel_shape=list(shape[2:]), **attributes)
    path = save(tmp_path / "conv.onnx", [node], weights)
    pictures = floats(2, 3, 17, 12)
    np.testing.assert_allclose(ours(path, pictures)[0], reference(path, pictures)[0], atol=1e-4)


def test_every_known_operator_in_one_graph(tmp_path: Path) -> None:
    weights = {
        "kernel": floats(4, 3, 3, 3),
        "up": floats(4, 3, 2, 2),
        "gain": floats(3),
        "offset": floats(3),
        "mean": floats(3),
        "variance": np.abs(floats(3)) + 0.5,
    }
    nodes = [
        helper.make_node("Conv", ["in", "kernel"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("ConvTranspose", ["b", "up"], ["c"], strides=[2, 2], kernel_shape=[2, 2]),
        helper.make_node("BatchNormalization", ["c", "gain", "offset", "mean", "variance"], ["d"], epsilon=1e-3),
        helper.make_node("Add", ["d", "in"], ["e"]),
        helper.make_node("Sigmoid", ["e"], ["out"]),
    ]
    assert {node.op_type for node in nodes} == set(OPERATORS)
    path = save(tmp_path / "all.onnx", nodes, weights, outputs=("out", "c"))
    pictures = floats(2, 3, 16, 8)
    mine, theirs = ours(path, pictures), reference(path, pictures)
    assert len(mine) == 2
    for left, right in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_an_unknown_operator_is_named_with_those_known(tmp_path: Path) -> None:
    nodes = [helper.make_node("Softmax", ["in"], ["a"]), helper.make_node("Relu", ["a"], ["out"])]
    with pytest.raises(ModelError) as caught:
        read_onnx(save(tmp_path / "unknown.onnx", nodes, {}))
    assert caught.value.got == "Softmax"
    assert "ConvTranspose" in caught.value.allowed
    assert "unknown.onnx" in str(caught.value)


@pytest.mark.parametrize(
    "node",
    [
        lambda: helper.make_node("Conv", ["in", "kernel"], ["out"], kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
        lambda: helper.make_node("ConvTranspose", ["in", "kernel"], ["out"], pads=[0, 0, 1, 1]),
        lambda: helper.make_node("Add", ["in", "kernel"], ["out"]),
        lambda: helper.make_node("Conv", ["in", "flat"], ["out"]),
        lambda: helper.make_node("Conv", ["in", "whole"], ["out"]),
        lambda: helper.make_node("Conv", ["in"], ["out"]),
    ],
)
def test_a_known_operator_in_an_unknown_way(tmp_path: Path, node: Callable[[], Any]) -> None:
    weights = {"kernel": floats(3, 3, 3, 3), "flat": floats(3, 3), "whole": np.ones((3, 3, 3, 3), np.int64)}
    with pytest.raises(ModelError, match="in a way that is not understood"):
        read_onnx(save(tmp_path / "odd.onnx", [node()], weights))


@pytest.mark.parametrize("content", [b"", b"just some text, not a model\n" * 50, b"\x00" * 100])
def test_a_file_that_is_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"not an ONNX model.*text\.onnx"):
        read_onnx(path)


def test_a_missing_file_and_a_dlib_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        read_onnx(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="not an ONNX model"):
        read_onnx(find_weights(card("dlib_resnet")))


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "two.onnx", [helper.make_node("Add", ["in", "other"], ["out"])], {})
    model = onnx.load(str(path))
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, None))
    onnx.save(model, str(path))
    with pytest.raises(ModelError, match="one input"):
        read_onnx(path)
