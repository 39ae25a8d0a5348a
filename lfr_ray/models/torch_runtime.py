"""Networks in torch: on CUDA, on MPS, and on a CPU where a test compares."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lfr_ray.array_checks import check_array
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.cuda_graphs import Outputs, RecordedNetwork, outputs_of
from lfr_ray.models.device_and_self_test import Device, NetworkInParts, finite, line_of, not_finite, note_lost
from lfr_ray.records import Floats, Picture

BUCKETS = (1, 2, 4, 8, 16, 32, 64)
"""Batch sizes that networks ever see: others are padded up or split. An empty row costs a GPU next to nothing."""

HALF = {"cuda": torch.float16}
"""Kind of device -> the half precision that it is faster in."""

READ_BY_THE_HOST = frozenset(
    (
        *("ConstantOfShape", "CumSum", "Expand", "Gather", "NonMaxSuppression", "NonZero", "Pad", "Range", "Reshape"),
        *("Resize", "ScatterND", "Shape", "Slice", "Split", "Squeeze", "Tile", "TopK"),
    )
)
"""Operators of ONNX for which onnx2torch copies numbers between card and processor while it runs: CUDA records none."""

LOST = ("CUDA error", "HIP error")
"""How torch says that a GPU is lost to this process, and not just full: that is another class, or says so."""

Sides = tuple[int | None, int | None, int | None]
"""Batch, height and width; None: any."""


def bucket_of(batch: int) -> int:
    """The smallest bucket that holds the batch, or the largest there is.

    >>> [bucket_of(size) for size in (1, 3, 8, 33, 100)]
    [1, 4, 8, 64, 64]
    """
    return next((size for size in BUCKETS if size >= batch), BUCKETS[-1])


class TorchNetwork(NetworkInParts):
    """One network in torch, channels last; see :class:`~lfr_ray.models.device_and_self_test.Network`.

    It takes ``float (B, 3, H, W)`` and returns a tensor or several with B first; ``fixed`` are batch, height and width
    that it takes, None for any; ``dtype`` is what it computes with. What cannot be recorded as a CUDA graph is not
    ``recordable``: to try it breaks more than the recording.
    """

    runtime = "torch"

    def __init__(
        self,
        network: nn.Module,
        device: Device,
        card: ModelCard,
        *,
        output_names: tuple[str, ...] = (),
        metadata: dict[str, str] | None = None,
        fixed: Sides = (None, None, None),
        dtype: torch.dtype = torch.float32,
        recordable: bool = True,
    ) -> None:
        self.device, self.card = device, card
        self.output_names = output_names
        self.metadata = metadata or {}
        self._fixed = self._batch, self.height_px, self.width_px = fixed
        self.most = self._batch or BUCKETS[-1]
        self.precision = str(dtype).removeprefix("torch.")
        self._device, self._dtype = torch.device(device.kind), dtype
        with self.told():
            network = network.eval().requires_grad_(False).to(self._device, self._dtype)
            self._network = network.to(memory_format=torch.channels_last)
            self._mean = torch.tensor(card.mean, device=self._device).view(1, 3, 1, 1) if any(card.mean) else None
        self._recordable = recordable
        self._recorded = RecordedNetwork(self._network) if recordable and device.kind == "cuda" else None

    def faster(self) -> TorchNetwork | None:
        """The same network in half precision; see :class:`~lfr_ray.models.device_and_self_test.Network`."""
        half = HALF.get(self.device.kind)
        if half is None or self._dtype == half:
            return None
        about: dict[str, Any] = {"output_names": self.output_names, "metadata": self.metadata, "fixed": self._fixed}
        with self.told():
            network = copy.deepcopy(self._network)  # torch changes a network where it is
        return TorchNetwork(network, self.device, self.card, dtype=half, recordable=self._recordable, **about)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around torch: what it raises is a :class:`~lfr_ray.errors.ModelError`, and a lost GPU is noted."""
        try:
            yield
        except RuntimeError as error:  # memory that is full is one as well
            said = f"{type(error).__name__}: {line_of(error, 0)}"
            if _is_lost(error):
                note_lost(said)
            raise ModelError(
                f"the model {self.card.id} failed on {self.device}",
                got=said,
                next_step="if its memory is full, lower max_batch; otherwise set `device` to cpu",
            ) from None

    def padded_size(self, count: int) -> int:
        """The file's own batch size, where it has one, else a bucket."""
        return self._batch or bucket_of(count)

    def infer(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs of one call, as the network gives them; see :class:`~lfr_ray.models.device_and_self_test.Network`."""
        with torch.inference_mode(), self.told():
            found = tuple(output.cpu().float().numpy() for output in self._on_device(pictures))
        return finite(found, self.card.id, self._given(pictures))

    def on_device(self, pictures: Picture) -> Iterator[Outputs]:
        """Outputs of one part of a batch after the other, B first, left on the device.

        The errors are those of :meth:`~lfr_ray.models.device_and_self_test.Network.run`.
        """
        return self.in_parts(pictures, self._usable)

    def _usable(self, pictures: Picture) -> Outputs:
        with torch.inference_mode(), self.told():
            outputs = self._on_device(pictures)
            if not bool(torch.stack([torch.isfinite(output).all() for output in outputs]).all()):
                raise not_finite(self.card.id, self._given(pictures))
        return outputs

    def _given(self, pictures: Picture) -> str:
        return f"a batch of {pictures.shape} on {self.device}"

    def _on_device(self, pictures: Picture) -> Outputs:
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        on_cuda = self.device.kind == "cuda"
        given = torch.empty(pictures.shape, dtype=torch.uint8, pin_memory=on_cuda)
        given.numpy()[:] = pictures
        given = given.to(self._device, non_blocking=on_cuda)  # from pinned memory the card fetches it by itself
        # Permuting the view keeps the pixels where they are: this is the channels-last order already.
        values = (given if self.card.colour == "RGB" else given.flip(-1)).permute(0, 3, 1, 2).float()
        if self._mean is not None:
            values -= self._mean
        values = (values * self.card.scale).to(self._dtype)
        return self._recorded(values) if self._recorded else outputs_of(self._network, values)


def _is_lost(error: RuntimeError) -> bool:
    kind = getattr(torch, "AcceleratorError", RuntimeError)  # torch before 2.8 has no class for it
    said = line_of(error, 0)
    return isinstance(error, kind) and said.startswith(LOST) and "out of memory" not in said


def open_onnx(path: Path, device: Device, card: ModelCard, *, any_size: bool = False) -> TorchNetwork:
    """An ONNX file as a network in torch; the arguments are those of :func:`~lfr_ray.models.choose_runtime.open_file`.

    Raises:
        ModelError: The library that translates it cannot translate this file.
    """
    import onnx
    import onnx2torch

    try:
        model = onnx.load(str(path))
        network: nn.Module = onnx2torch.convert(model)
        weights = {tensor.name for tensor in model.graph.initializer}
        sides = next(one for one in model.graph.input if one.name not in weights).type.tensor_type.shape.dim
    except Exception as error:  # noqa: BLE001 - onnx and onnx2torch raise whatever they like
        raise ModelError(
            "the weight file is not an ONNX model that torch can run",
            got=f"{path}: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}",
            allowed="an ONNX file with operators that onnx2torch translates",
            next_step="set `device` to cpu, or use the file that the model card describes",
        ) from None
    stated = [side.dim_value or None for side in sides] if len(sides) == 4 and not any_size else [None] * 4
    return TorchNetwork(
        network,
        device,
        card,
        output_names=tuple(value.name for value in model.graph.output),
        metadata={item.key: item.value for item in model.metadata_props},
        fixed=(stated[0], stated[2], stated[3]),
        recordable=READ_BY_THE_HOST.isdisjoint(node.op_type for node in model.graph.node),
    )


def open_tflite(path: Path, device: Device, card: ModelCard, *, any_size: bool = False) -> TorchNetwork:
    """A TFLite file as a network in torch: OpenVINO reads it, and torch computes; see :func:`open_onnx`.

    Raises:
        ModelError: OpenVINO cannot read it, or it has an operation that is not known here.
    """
    from lfr_ray.models.openvino_runtime import input_of, read_file
    from lfr_ray.models.tflite_to_torch import GraphModule

    try:
        model = read_file(path)
        sides, layout = input_of(model, card)
        network = GraphModule(model, channels_last=layout == "NHWC")
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"the weight file of model {card.id} is not a TFLite model that torch can run",
            got=f"{path}: {line_of(error)}",
            allowed="a TFLite file of convolutions, sums, products, PReLU, and reshapes",
            next_step="set `device` to cpu, or use the file that the model card describes",
        ) from None
    return TorchNetwork(network, device, card, fixed=(None, None, None) if any_size else sides)
