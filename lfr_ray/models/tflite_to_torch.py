"""A graph that OpenVINO reads, as a module of torch: TFLite files on CUDA and MPS, for which torch has no reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import openvino
import torch
from torch import nn
from torch.nn import functional

Function = Callable[..., torch.Tensor]

SAME_EVERYWHERE: dict[str, Function] = {
    "Abs": torch.abs,
    "Add": torch.add,
    "Multiply": torch.mul,
    "PRelu": lambda values, slope: functional.prelu(values, slope.flatten()),
    "Relu": torch.relu,
    "Subtract": torch.sub,
}


class GraphModule(nn.Module):
    """The graph of a model with one input, ``float (B, 3, H, W)`` or with channels last, and one output.

    This module takes ``(B, 3, H, W)`` in both cases.

    Raises:
        ValueError: An operation that is not known here; which.
    """

    def __init__(self, model: openvino.Model, *, channels_last: bool) -> None:
        super().__init__()
        self._channels_last = channels_last
        self._steps: list[tuple[Function, list[str], str]] = []
        self._input = model.inputs[0].get_node().get_friendly_name()
        self._output = model.outputs[0].get_node().input_value(0).get_node().get_friendly_name()
        self._constants: dict[str, str] = {}
        for node in model.get_ordered_ops():
            kind, name = node.get_type_name(), node.get_friendly_name()
            if kind in ("Constant", "Parameter", "Result"):
                continue
            function, taken = _function(node)
            self._steps.append((function, [self._keep(one) for one in taken], name))

    def _keep(self, source: openvino.Node) -> str:
        """The name under which a value is found in :meth:`forward`; a constant's numbers are kept."""
        name = str(source.get_friendly_name())
        if source.get_type_name() == "Constant" and name not in self._constants:
            values = np.array(source.data, np.float32)
            if values.ndim == 5:  # a group's weights stand in an axis of their own
                values = values.reshape(-1, *values.shape[2:])
            self._constants[name] = f"constant_{len(self._constants)}"
            self.register_buffer(self._constants[name], torch.from_numpy(values))
        return name

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The output for ``float (B, 3, H, W)``."""
        found: dict[str, Any] = {name: getattr(self, kept) for name, kept in self._constants.items()}
        found[self._input] = pictures.permute(0, 2, 3, 1) if self._channels_last else pictures
        for function, taken, name in self._steps:
            found[name] = function(*(found[one] for one in taken))
        output: torch.Tensor = found[self._output]
        return output


def _function(node: openvino.Node) -> tuple[Function, list[openvino.Node]]:
    """What a node does, and the nodes whose values it takes."""
    kind = node.get_type_name()
    inputs = [node.input_value(number).get_node() for number in range(node.get_input_size())]
    if kind in SAME_EVERYWHERE:
        return SAME_EVERYWHERE[kind], inputs
    if kind in ("Convolution", "GroupConvolution"):
        about = node.get_attributes()
        (top, left), (bottom, right) = about["pads_begin"], about["pads_end"]
        groups = inputs[1].shape[0] if kind == "GroupConvolution" else 1
        sides = (left, right, top, bottom)
        return partial(_convolve, sides, tuple(about["strides"]), tuple(about["dilations"]), groups), inputs
    if kind in ("Transpose", "Reshape") and inputs[1].get_type_name() == "Constant":
        numbers = tuple(int(one) for one in np.array(inputs[1].data).reshape(-1))
        if kind == "Transpose":
            return partial(torch.permute, dims=numbers), inputs[:1]
        return partial(torch.reshape, shape=numbers), inputs[:1]
    raise ValueError(f"an operation that is not known here: {kind} ({node.get_friendly_name()})")


def _convolve(
    sides: tuple[int, int, int, int],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    values: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """A convolution whose padding may differ from side to side."""
    if any(sides):
        values = functional.pad(values, sides)
    return functional.conv2d(values, weights, stride=stride, dilation=dilation, groups=groups)
