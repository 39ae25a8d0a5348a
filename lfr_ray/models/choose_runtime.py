"""A weight file becomes a network that runs: in the runtime that suits its device and format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import OPENVINO_DEVICES, Device, Network, line_of

TFLITE = ".tflite"


def open_file(card: ModelCard, path: Path, device: Device, *, batch: int, any_size: bool = False) -> Network:
    """The network of a model's verified ONNX or TFLite file.

    ``batch`` is the most pictures of one call on a CPU; with ``any_size`` the sides that the file states are an
    example, not a limit.

    Raises:
        ModelError: Not such a file, an operator that no runtime knows, or not pictures as its input.
        ResourceError: The device needs a package that is not installed.
    """
    if device.kind not in OPENVINO_DEVICES:
        from lfr_ray.models import torch_runtime

        open_one = torch_runtime.open_tflite if path.suffix == TFLITE else torch_runtime.open_onnx
        return open_one(path, device, card, any_size=any_size)
    from lfr_ray.models import openvino_runtime

    try:
        model = openvino_runtime.read_file(path)
    except RuntimeError as error:
        return _without_openvino(card, path, device, any_size, error)
    return openvino_runtime.OpenVinoNetwork(
        lambda _height, _width: model, model, device, card, batch=batch, any_size=any_size
    )


def open_torch(
    card: ModelCard, path: Path, device: Device, builder: str, *, side_px: tuple[int, int], batch: int, **options: Any
) -> tuple[Network, dict[str, Any]]:
    """The network that a builder makes of a verified weight file, and what the builder said of it.

    See :func:`~lfr_ray.models.torch_to_openvino.converted`. ``side_px`` is height and width of the first pictures,
    ``batch`` the most pictures of one call on a CPU.

    Raises:
        ModelError: The file is not of that network.
    """
    from lfr_ray.models.torch_to_openvino import builder_of, converted

    if device.kind not in OPENVINO_DEVICES:
        from lfr_ray.models.torch_runtime import TorchNetwork

        module, about = builder_of(builder)(card, path, **options)
        return TorchNetwork(module, device, card), about
    from lfr_ray.models.openvino_runtime import OpenVinoNetwork

    first, about = converted(card, path, builder, *side_px, **options)

    def source(height: int, width: int) -> Any:
        # A traced network holds the size that it was traced with.
        return first if (height, width) == side_px else converted(card, path, builder, height, width, **options)[0]

    return OpenVinoNetwork(source, first, device, card, batch=batch, any_size=True), about


def _without_openvino(card: ModelCard, path: Path, device: Device, any_size: bool, error: Exception) -> Network:
    """ONNX Runtime's, for what it can read and OpenVINO cannot."""
    if device.kind == "cpu" and path.suffix != TFLITE:
        from lfr_ray.models.onnx_runtime import OnnxNetwork

        network = OnnxNetwork(path, device, card)
        if not any_size:
            return network
    raise ModelError(
        f"OpenVINO cannot read the file of model {card.id}",
        got=f"{path}: {line_of(error)}",
        allowed="an ONNX or TFLite file with operators that OpenVINO knows",
        next_step="run `lfr models verify`, or choose another model (`lfr models list`)",
    )
