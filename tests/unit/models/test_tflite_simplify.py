"""Graphs as a TFLite converter writes them: one batch size, PReLU in five operations; in OpenVINO and in torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino
import pytest
import torch
from openvino import Node, opset13

from lfr_ray.models.tflite_simplify import free_batch, join_prelu
from lfr_ray.models.tflite_to_torch import GraphModule
from lfr_ray.records import Floats

RANDOM = np.random.default_rng(5)


def numbers(*shape: int) -> Node:
    return opset13.constant(RANDOM.normal(size=shape).astype(np.float32))


def spelt_out(source: Node, weight: Node) -> Node:
    """PReLU as converters write it."""
    below = opset13.subtract(source, opset13.absolute(source))
    return opset13.add(opset13.relu(source), opset13.multiply(weight, below))


def network() -> openvino.Model:
    """Two pictures of 9x7 in, two vectors out; every kind of operation that such files have."""
    given = opset13.parameter([2, 9, 7, 3], np.float32)
    planes = opset13.transpose(given, opset13.constant(np.array([0, 3, 1, 2])))
    first = opset13.convolution(planes, numbers(6, 3, 3, 3), [2, 2], [0, 0], [1, 1], [1, 1])
    first = spelt_out(opset13.add(first, numbers(1, 6, 1, 1)), numbers(1, 6, 1, 1))
    groups = opset13.group_convolution(first, numbers(6, 1, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    second = opset13.relu(opset13.convolution(groups, numbers(4, 6, 1, 1), [1, 1], [0, 0], [0, 0], [1, 1]))
    flat = opset13.reshape(second, opset13.constant(np.array([2, 48])), False)
    return openvino.Model([flat], [given], "fixed")


def compute(model: openvino.Model, given: Floats) -> Floats:
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    output: Floats = openvino.Core().compile_model(model, "CPU", settings)(given)[0]
    return output


def test_any_batch_gives_what_the_file_gave() -> None:
    model = network()
    given = RANDOM.normal(size=(6, 9, 7, 3)).astype(np.float32)
    wanted = np.concatenate([compute(model, given[at : at + 2]) for at in (0, 2, 4)])
    free_batch(model)
    for count in (1, 3, 6):
        np.testing.assert_allclose(compute(model, given[:count]), wanted[:count], rtol=1e-4, atol=1e-5)
    free_batch(model)  # nothing is left to free


def test_a_prelu_is_joined_and_nothing_changes() -> None:
    model = network()
    given = RANDOM.normal(size=(2, 9, 7, 3)).astype(np.float32)
    wanted = compute(model, given)
    assert join_prelu(model) == 1
    kinds = [node.get_type_name() for node in model.get_ops()]
    assert kinds.count("PRelu") == 1
    assert not {"Abs", "Subtract", "Multiply"} & set(kinds)
    np.testing.assert_allclose(compute(model, given), wanted, rtol=1e-4, atol=1e-5)
    assert join_prelu(model) == 0


def other_input(source: Node) -> Node:
    other = opset13.negative(source)
    return opset13.add(opset13.relu(source), opset13.multiply(numbers(1, 4, 1, 1), other - opset13.absolute(source)))


def no_difference(source: Node) -> Node:
    return opset13.add(opset13.relu(source), opset13.multiply(numbers(1, 4, 1, 1), opset13.absolute(source)))


def no_constant(source: Node) -> Node:
    return spelt_out(source, opset13.exp(source))


def a_pixel_each(source: Node) -> Node:
    return spelt_out(source, numbers(1, 4, 5, 5))


@pytest.mark.parametrize("alike", [other_input, no_difference, no_constant, a_pixel_each])
def test_what_only_looks_like_a_prelu_stays(alike: Callable[[Node], Node]) -> None:
    given = opset13.parameter([1, 4, 5, 5], np.float32)
    model = openvino.Model([alike(given)], [given], "alike")
    assert join_prelu(model) == 0


@pytest.mark.parametrize("joined", [False, True])
def test_torch_computes_the_same(joined: bool) -> None:
    model = network()
    free_batch(model)
    if joined:
        join_prelu(model)
    module = GraphModule(model, channels_last=True).to(memory_format=torch.channels_last)
    given = RANDOM.normal(size=(5, 9, 7, 3)).astype(np.float32)
    with torch.inference_mode():
        found = module(torch.from_numpy(given).permute(0, 3, 1, 2)).numpy()
        half = module.half()(torch.from_numpy(given).permute(0, 3, 1, 2).half()).float().numpy()
    np.testing.assert_allclose(found, compute(model, given), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(half, found, rtol=0.05, atol=0.2)


def test_an_operation_that_torch_is_not_told_of() -> None:
    given = opset13.parameter([1, 3, 4, 4], np.float32)
    with pytest.raises(ValueError, match="not known here: Exp"):
        GraphModule(openvino.Model([opset13.exp(given)], [given], "exp"), channels_last=False)
