"""A graph made ready for a CPU: fewer passes over its maps, weights in the order that oneDNN works in.

On a CPU a light network waits for memory, not for arithmetic. So batch norm goes into the weights before it, and an
activation is computed by the convolution before it, while its results are still in the cache. These are the
transformations of torch's own compiler (``torch/_inductor/fx_passes/mkldnn_fusion.py``), done here without a
compiler at run time; the results differ from the plain network's by rounding alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of a graph, the values that it reads and the value that it makes."""

    layer: nn.Module
    inputs: tuple[str, ...]
    output: str


class PackedConvolution(nn.Module):
    """A convolution, and perhaps the ReLU after it, with its weights packed for one size of input."""

    def __init__(self, plain: nn.Conv2d, input_size: Sequence[int], activation: str) -> None:
        super().__init__()
        self._padding, self._stride = list(plain.padding), list(plain.stride)
        self._dilation, self._groups = list(plain.dilation), plain.groups
        self._activation = activation
        self._bias = plain.bias
        self._weights = torch.ops.mkldnn._reorder_convolution_weight(
            plain.weight, self._padding, self._stride, self._dilation, self._groups, list(input_size)
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """``float32 (B, C, H, W)``, channels last, as ``nn.Conv2d`` takes it."""
        result: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(
            values,
            self._weights,
            self._bias,
            self._padding,
            self._stride,
            self._dilation,
            self._groups,
            self._activation,
            [],
            "",
        )
        return result


def can_fuse() -> bool:
    """Torch has oneDNN here, with the operators that are needed."""
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and hasattr(torch.ops.mkldnn, "_reorder_convolution_weight")


def fused(nodes: Sequence[Node], outputs: Collection[str], sizes: Mapping[str, Sequence[int]]) -> list[Node]:
    """The same graph with fewer nodes, for inputs of one size.

    Args:
        nodes: In their order; layers in evaluation mode, without gradients, ``float32`` on the CPU. They are left
            as they are: what changes is a new layer.
        outputs: Values that are wanted from outside.
        sizes: Size of every value, batch first.
    """
    folded = _merged(nodes, outputs, _with_batch_norm)
    paired = _merged(folded, outputs, _with_relu)
    return [replace(node, layer=_packed(node.layer, sizes[node.inputs[0]])) for node in paired]


def _merged(
    nodes: Sequence[Node], outputs: Collection[str], merge: Callable[[nn.Module, nn.Module], nn.Module | None]
) -> list[Node]:
    """Where a layer is all that reads the one before, and the two can be one, they become one."""
    readers = Counter(name for node in nodes for name in node.inputs)
    result: list[Node] = []
    maker: dict[str, int] = {}
    for node in nodes:
        source = node.inputs[0]
        if len(node.inputs) == 1 and source in maker and readers[source] == 1 and source not in outputs:
            before = result[maker[source]]
            one = merge(before.layer, node.layer)
            if one is not None:
                maker[node.output] = maker[source]
                result[maker[source]] = Node(one, before.inputs, node.output)
                continue
        maker[node.output] = len(result)
        result.append(node)
    return result


def _with_batch_norm(before: nn.Module, layer: nn.Module) -> nn.Module | None:
    if not isinstance(layer, nn.BatchNorm2d) or not isinstance(before, nn.Conv2d | nn.ConvTranspose2d):
        return None
    turned = isinstance(before, nn.ConvTranspose2d)
    one: nn.Module = fuse_conv_bn_eval(before, layer, transpose=turned)
    return one.requires_grad_(False)


def _with_relu(before: nn.Module, layer: nn.Module) -> nn.Module | None:
    return nn.Sequential(before, layer) if isinstance(before, nn.Conv2d) and isinstance(layer, nn.ReLU) else None


def _packed(layer: nn.Module, input_size: Sequence[int]) -> nn.Module:
    if isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.Conv2d):
        return PackedConvolution(layer[0], input_size, "relu")
    return PackedConvolution(layer, input_size, "none") if isinstance(layer, nn.Conv2d) else layer
