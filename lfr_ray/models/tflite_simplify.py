"""What a TFLite file says in a roundabout way, said straight: any batch, and PReLU as one operation."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from openvino import opset13

ANY = -1


def free_batch(model: openvino.Model) -> None:
    """Let a network that was written for one batch size take any: its reshapes name that size as a constant."""
    shape = model.inputs[0].partial_shape
    if shape.rank.is_dynamic or not len(shape) or shape[0].is_dynamic:
        return
    for node in model.get_ops():
        target = node.input_value(1).get_node() if node.get_type_name() == "Reshape" else None
        if target is None or target.get_type_name() != "Constant":
            continue
        wanted = np.array(target.data, np.int64)
        if wanted.size and wanted[0] == shape[0].get_length():
            wanted[0] = ANY
            node.input(1).replace_source_output(opset13.constant(wanted).output(0))
    shape[0] = openvino.Dimension()
    model.reshape(shape)


def join_prelu(model: openvino.Model) -> int:
    """Make one PReLU of each ``relu(x) + weight * (x - abs(x))``, as converters to TFLite spell it.

    Below zero ``x - abs(x)`` is ``2 x``, so PReLU's slope is twice the weight. A processor does the one operation
    together with the convolution before it; the five are five walks through memory.

    Returns:
        How many were joined.
    """
    joined = 0
    for node in model.get_ordered_ops():
        found = _spelt_out(node) if node.get_type_name() == "Add" else None
        if found is not None:
            source, weight = found
            slope = opset13.constant(2 * np.array(weight.data, np.float32).reshape(-1))
            node.output(0).replace(opset13.prelu(source, slope).output(0))
            joined += 1
    if joined:
        model.validate_nodes_and_infer_types()
    return joined


def _spelt_out(add: openvino.Node) -> tuple[openvino.Output, openvino.Node] | None:
    """Where a PReLU's input comes from, and half its slope a channel; None where this sum is none."""
    relu, product = _by_kind(add, "Relu", "Multiply")
    weight, difference = _by_kind(product, "Constant", "Subtract")
    if relu is None or weight is None or difference is None:
        return None
    source = relu.input_value(0)
    channels = list(source.partial_shape)[1] if source.partial_shape.rank.is_static else None
    absolute = difference.input_value(1).get_node()
    same = [_place(difference.input_value(0))]
    if absolute.get_type_name() == "Abs":
        same.append(_place(absolute.input_value(0)))
    a_channel_each = list(weight.shape[:1]) in ([1], []) and weight.data.size in (1, channels)
    return (source, weight) if same == [_place(source)] * 2 and a_channel_each else None


def _by_kind(node: openvino.Node | None, first: str, second: str) -> tuple[Any, Any]:
    """The two inputs of a node in this order of their kinds; None twice where they are others."""
    if node is None:
        return None, None
    inputs = [node.input_value(number).get_node() for number in (0, 1)]
    for one, other in (inputs, inputs[::-1]):
        if (one.get_type_name(), other.get_type_name()) == (first, second):
            return one, other
    return None, None


def _place(output: openvino.Output) -> tuple[str, int]:
    return output.get_node().get_friendly_name(), output.get_index()
