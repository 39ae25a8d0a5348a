"""A fused graph has fewer layers, and says what the plain one says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from lfr_ray.models import memory, onnx_graph
from lfr_ray.models.catalogue import card
from lfr_ray.models.fused import Node, PackedConvolution, can_fuse, fused
from lfr_ray.models.onnx_graph import OnnxModule, read_onnx
from lfr_ray.models.weights import find_weights

needs_onednn = pytest.mark.skipif(not can_fuse(), reason="torch has no oneDNN here")


def norm(channels: int) -> nn.Module:
    layer = nn.BatchNorm2d(channels)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    torch.nn.init.uniform_(layer.weight, 0.5, 2.0)
    torch.nn.init.uniform_(layer.bias, -1.0, 1.0)
    layer.running_mean.uniform_(-1.0, 1.0)
    layer.running_var.uniform_(0.5, 2.0)
    return layer


def ready(nodes: Sequence[Node]) -> list[Node]:
    for node in nodes:
        node.layer.eval().requires_grad_(False)
    return list(nodes)


def run(nodes: Sequence[Node], picture: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
    values = {"x": picture}
    for node in nodes:
        values[node.output] = node.layer(*(values[name] for name in node.inputs))
    return [values[name] for name in outputs]


def sizes_of(nodes: Sequence[Node], picture: torch.Tensor) -> dict[str, tuple[int, ...]]:
    names = [node.output for node in nodes]
    found = dict(zip(names, run(nodes, picture, names), strict=True))
    return {"x": tuple(picture.shape)} | {name: tuple(value.shape) for name, value in found.items()}


def branching() -> list[Node]:
    """A convolution with batch norm and ReLU, a turned one, and a value that two layers read."""
    torch.manual_seed(5)
    return ready(
        [
            Node(nn.Conv2d(3, 8, 3, padding=1, bias=False), ("x",), "a"),
            Node(norm(8), ("a",), "b"),
            Node(nn.ReLU(), ("b",), "c"),
            Node(nn.Conv2d(8, 8, 3, padding=1, groups=8), ("c",), "d"),
            Node(nn.ReLU(), ("d",), "e"),
            Node(nn.ConvTranspose2d(8, 4, 2, stride=2), ("d",), "f"),
            Node(norm(4), ("f",), "g"),
            Node(nn.Sigmoid(), ("e",), "h"),
        ]
    )


@needs_onednn
@pytest.mark.parametrize("batch", [1, 3])
def test_the_outputs_are_those_of_the_plain_graph(batch: int) -> None:
    nodes = branching()
    picture = torch.rand(batch, 3, 12, 20)
    fewer = fused(nodes, ("g", "h"), sizes_of(nodes, picture[:1]))
    for found, wanted in zip(run(fewer, picture, ("g", "h")), run(nodes, picture, ("g", "h")), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@needs_onednn
def test_batch_norm_and_relu_disappear_only_where_nobody_else_reads_what_was_before() -> None:
    nodes = branching()
    fewer = fused(nodes, ("g", "h"), sizes_of(nodes, torch.rand(1, 3, 12, 20)))
    assert [node.output for node in fewer] == ["c", "d", "e", "g", "h"]
    assert [type(node.layer) for node in fewer] == [
        PackedConvolution,
        PackedConvolution,
        nn.ReLU,
        nn.ConvTranspose2d,
        nn.Sigmoid,
    ]


@needs_onednn
def test_a_value_that_is_wanted_from_outside_stays() -> None:
    nodes = branching()
    picture = torch.rand(1, 3, 12, 20)
    fewer = fused(nodes, ("a", "g", "h"), sizes_of(nodes, picture))
    assert fewer[0].output == "a"
    torch.testing.assert_close(run(fewer, picture, ("a",)), run(nodes, picture, ("a",)), atol=1e-5, rtol=1e-5)


@needs_onednn
def test_the_plain_layers_are_left_as_they_are() -> None:
    nodes = branching()
    before = [value.clone() for node in nodes for value in node.layer.state_dict().values()]
    fused(nodes, ("g", "h"), sizes_of(nodes, torch.rand(1, 3, 12, 20)))
    after = [value for node in nodes for value in node.layer.state_dict().values()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@needs_onednn
def test_centerface_has_no_relu_and_no_batch_norm_left() -> None:
    described = card("centerface")
    network = read_onnx(find_weights(described)).eval().requires_grad_(False)
    picture = torch.rand(2, 3, 96, 128).mul(255).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        own = network.ready(picture)
        assert isinstance(own, OnnxModule)
        kinds = {type(layer) for layer in own.layers}
        assert PackedConvolution in kinds
        assert not kinds & {nn.Conv2d, nn.BatchNorm2d}
        for found, wanted in zip(own(picture), network(picture), strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_without_onednn_a_network_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "can_fuse", lambda: False)
    network = read_onnx(find_weights(card("centerface")))
    assert network.ready(torch.rand(1, 3, 64, 64)) is None


def test_memory_is_kept_only_where_glibc_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.reuse_memory.__wrapped__() is False
