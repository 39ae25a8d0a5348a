"""A torch module built from an ONNX file's graph: the only place that knows the onnx package.

Weights become ordinary parameters, so the module can be moved, halved, traced and frozen. The table
``OPERATORS`` is the whole of what is understood; another operator is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional

from lfr_ray.errors import ModelError
from lfr_ray.models.fused import Node, can_fuse, fused

Attributes = dict[str, Any]
Weights = list[torch.Tensor]


@dataclass(frozen=True, slots=True)
class Step:
    """One node: which layer reads which values and what its result is called; values no longer needed after it."""

    layer: int
    inputs: tuple[str, ...]
    output: str
    done_with: tuple[str, ...]


class OnnxModule(nn.Module):
    """Runs the nodes in the file's order.

    Attributes:
        input_name: Name of the one input.
        output_names: Names of the outputs, in the order in which ``forward`` returns them.
    """

    def __init__(self, layers: list[nn.Module], steps: list[Step], input_name: str, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.steps = tuple(steps)
        self.input_name = input_name
        self.output_names = outputs

    def ready(self, example: torch.Tensor) -> OnnxModule | None:
        """The same network for inputs of this size on a CPU, of any B; None where torch cannot do that here."""
        if not can_fuse():
            return None
        sizes: dict[str, tuple[int, ...]] = {}
        self._run(example, lambda name, value: sizes.__setitem__(name, tuple(value.shape)))
        nodes = [Node(self.layers[step.layer], step.inputs, step.output) for step in self.steps]
        nodes = fused(nodes, self.output_names, sizes)
        wired = [(node.inputs, node.output) for node in nodes]
        return OnnxModule(
            [node.layer for node in nodes], _steps(wired, self.output_names), self.input_name, self.output_names
        ).eval()

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Outputs for ``float (B, 3, H, W)``."""
        return self._run(pictures, lambda _name, _value: None)

    def _run(self, pictures: torch.Tensor, seen: Callable[[str, torch.Tensor], None]) -> tuple[torch.Tensor, ...]:
        values = {self.input_name: pictures}
        seen(self.input_name, pictures)
        for step in self.steps:
            values[step.output] = self.layers[step.layer](*(values[name] for name in step.inputs))
            seen(step.output, values[step.output])
            for name in step.done_with:
                del values[name]
        return tuple(values[name] for name in self.output_names)


def read_onnx(path: Path) -> OnnxModule:
    """Build the module.

    Args:
        path: An ONNX file whose weights lie inside.

    Raises:
        ModelError: Not an ONNX file, an unknown operator (named, with those known), or an operator used
            in a way that is not understood.
    """
    graph = _parse(path)
    weights = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in weights]
    outputs = tuple(value.name for value in graph.output)
    if len(inputs) != 1:
        raise ModelError(f"{path} must have one input", got=", ".join(inputs) or "none", allowed="one picture batch")
    _refuse_unknown(path, [node.op_type for node in graph.node])
    layers: list[nn.Module] = []
    wired: list[tuple[tuple[str, ...], str]] = []
    for node in graph.node:
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        own = [weights[name] for name in node.input if name in weights]
        read = tuple(name for name in node.input if name and name not in weights)
        try:
            layers.append(OPERATORS[node.op_type](attributes, own))
        except (_NotUnderstoodError, IndexError, KeyError) as error:
            raise ModelError(
                f"{path} uses the operator {node.op_type} in a way that is not understood",
                got=f"node {node.name or node.output[0]}: {error}",
                next_step="use the file that the model card describes",
            ) from None
        wired.append((read, node.output[0]))
    return OnnxModule(layers, _steps(wired, outputs), inputs[0], outputs)


def _parse(path: Path) -> Any:
    try:
        model = onnx.load_model(str(path))
    except FileNotFoundError:
        raise ModelError("the weight file does not exist", got=path, next_step="check the path") from None
    except Exception as error:  # noqa: BLE001 - protobuf's own errors share no base but Exception
        raise _not_onnx(path, type(error).__name__) from None
    if not model.graph.node:
        raise _not_onnx(path, "no nodes in it")
    return model.graph


def _not_onnx(path: Path, why: str) -> ModelError:
    return ModelError("the weight file is not an ONNX model", got=f"{path}: {why}", allowed="an ONNX file")


def _refuse_unknown(path: Path, kinds: list[str]) -> None:
    unknown = sorted(set(kinds) - set(OPERATORS))
    if unknown:
        raise ModelError(
            f"{path} has operators that are not understood",
            got=", ".join(unknown),
            allowed=", ".join(sorted(OPERATORS)),
            next_step="use the file that the model card describes, or add the operator to models/onnx_graph.py",
        )


def _steps(wired: list[tuple[tuple[str, ...], str]], outputs: tuple[str, ...]) -> list[Step]:
    last_use: dict[str, int] = {}
    for index, (read, _) in enumerate(wired):
        for name in read:
            last_use[name] = index
    return [
        Step(
            layer=index,
            inputs=read,
            output=output,
            done_with=tuple(name for name in dict.fromkeys(read) if last_use[name] == index and name not in outputs),
        )
        for index, (read, output) in enumerate(wired)
    ]


class _NotUnderstoodError(Exception):
    """An attribute that this reader has no translation for; becomes a ModelError with the node's name."""


class _Sum(nn.Module):
    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return first + second


class _Padded(nn.Module):
    """A convolution after zero padding that differs from side to side."""

    def __init__(self, pads: tuple[int, int, int, int], layer: nn.Module) -> None:
        super().__init__()
        self.pads = pads
        self.layer = layer

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        padded: torch.Tensor = self.layer(functional.pad(values, self.pads))
        return padded


def _refuse_auto_pad(attributes: Attributes) -> None:
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise _NotUnderstoodError(f"auto_pad {attributes['auto_pad']!r}")


def _conv(attributes: Attributes, weights: Weights) -> nn.Module:
    _refuse_auto_pad(attributes)
    kernel = weights[0]
    if kernel.ndim != 4:
        raise _NotUnderstoodError(f"a kernel of {kernel.ndim} dimensions")
    groups = int(attributes.get("group", 1))
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    even = (top, left) == (bottom, right)
    layer = nn.Conv2d(
        kernel.shape[1] * groups,
        kernel.shape[0],
        (kernel.shape[2], kernel.shape[3]),
        stride=tuple(attributes.get("strides", (1, 1))),
        padding=(top, left) if even else 0,
        dilation=tuple(attributes.get("dilations", (1, 1))),
        groups=groups,
        bias=len(weights) > 1,
    )
    _fill(layer, weights)
    return layer if even else _Padded((left, right, top, bottom), layer)


def _conv_transpose(attributes: Attributes, weights: Weights) -> nn.Module:
    _refuse_auto_pad(attributes)
    kernel = weights[0]
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right) or "output_shape" in attributes:
        raise _NotUnderstoodError("uneven pads or a fixed output shape")
    groups = int(attributes.get("group", 1))
    layer = nn.ConvTranspose2d(
        kernel.shape[0],
        kernel.shape[1] * groups,
        (kernel.shape[2], kernel.shape[3]),
        stride=tuple(attributes.get("strides", (1, 1))),
        padding=(top, left),
        output_padding=tuple(attributes.get("output_padding", (0, 0))),
        dilation=tuple(attributes.get("dilations", (1, 1))),
        groups=groups,
        bias=len(weights) > 1,
    )
    _fill(layer, weights)
    return layer


def _batch_norm(attributes: Attributes, weights: Weights) -> nn.Module:
    gain, offset, mean, variance = weights
    layer = nn.BatchNorm2d(gain.shape[0], eps=float(attributes.get("epsilon", 1e-5)))
    _fill(layer, [gain, offset])
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
    return layer


def _sum(_: Attributes, weights: Weights) -> nn.Module:
    if weights:
        raise _NotUnderstoodError("a sum with a constant")
    return _Sum()


def _fill(layer: nn.Module, weights: Weights) -> None:
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), weights, strict=True):
            if parameter.shape != value.shape or value.dtype != torch.float32:
                raise _NotUnderstoodError(f"weights of shape {tuple(value.shape)} {value.dtype}")
            parameter.copy_(value)


OPERATORS: dict[str, Callable[[Attributes, Weights], nn.Module]] = {
    "Add": _sum,
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Relu": lambda _attributes, _weights: nn.ReLU(),
    "Sigmoid": lambda _attributes, _weights: nn.Sigmoid(),
}
"""ONNX operator -> layer. Each builder gets the node's attributes and its constant inputs."""
