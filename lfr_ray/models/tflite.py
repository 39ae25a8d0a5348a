"""A TFLite file run by OpenVINO on the CPU: pictures in, arrays out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from openvino import opset13

from lfr_ray.checks import check_array
from lfr_ray.errors import ConfigError, ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.records import Floats, Picture

MAX_BATCH = 8
"""Larger batches are run in parts: on a CPU 32 at once take longer than four times eight."""

ANY = -1


def choose_tflite_device(wanted: str) -> torch.device:
    """TFLite files run on the CPU, whatever else the machine has.

    Raises:
        ConfigError: Another device was asked for by name.
    """
    if wanted not in ("auto", "cpu"):
        raise ConfigError(
            "TFLite files do not run on this device", got=wanted, allowed="auto, cpu", next_step="set `device` to auto"
        )
    return torch.device("cpu")


class TfliteSession:
    """One TFLite file, loaded.

    Attributes:
        height_px: Height of its pictures.
        width_px: Width of its pictures.

    Args:
        path: The verified file.
        card: Colour order, mean and scale of the input. Compute threads are those of this process (``set_threads``).

    Raises:
        ModelError: Not a TFLite file, or not one batch of pictures as input.
    """

    def __init__(self, path: Path, card: ModelCard) -> None:
        self.card = card
        core = openvino.Core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            raise ModelError(
                "the weight file is not a TFLite model that can run",
                got=f"{path}: {str(error).strip().splitlines()[-1][:200]}",
                allowed="a TFLite file",
                next_step=f"lfr models verify {card.id}",
            ) from None
        shape = [size.get_length() if size.is_static else ANY for size in model.inputs[0].partial_shape]
        if len(model.inputs) != 1 or len(shape) != 4 or shape[3] != 3:
            raise ModelError(
                f"the TFLite file of model {card.id} does not take pictures",
                got=f"{path}: {len(model.inputs)} inputs, the first {shape}",
                allowed="one input of shape (batch, height, width, 3)",
                next_step="use the file that the model card describes",
            )
        self.height_px, self.width_px = shape[1], shape[2]
        _free_batch(model, shape)
        self._compiled = core.compile_model(_prepared(model, card), "CPU", _settings(core))

    def run(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs for a batch of any size.

        Args:
            pictures: ``uint8 (B, H, W, 3)`` RGB, B at least 1; may be read-only.

        Returns:
            The file's outputs, ``float32``, B first.

        Raises:
            ShapeError: Not such an array.
            ModelError: The network gave values that are not finite.
        """
        check_array("pictures", pictures, ("batch", self.height_px, self.width_px, 3), np.uint8)
        parts = [
            list(self._compiled(np.ascontiguousarray(pictures[at : at + MAX_BATCH])).values())
            for at in range(0, len(pictures), MAX_BATCH)
        ]
        outputs = tuple(np.concatenate(same, dtype=np.float32) for same in zip(*parts, strict=True))
        if not all(bool(np.isfinite(output).all()) for output in outputs):
            raise ModelError(
                f"the model {self.card.id} gave values that are not finite",
                got=f"a batch of {pictures.shape}",
                next_step=f"lfr models verify {self.card.id}",
            )
        return outputs


def _free_batch(model: Any, shape: list[int]) -> None:
    """Make a network that was written for one batch size take any: its reshapes name that size as a constant."""
    for node in model.get_ops():
        if node.get_type_name() != "Reshape":
            continue
        target = node.input_value(1).get_node()
        if target.get_type_name() != "Constant":
            continue
        wanted = np.array(target.data, np.int64)
        if wanted.size and wanted[0] == shape[0]:
            wanted[0] = ANY
            node.input(1).replace_source_output(opset13.constant(wanted).output(0))
    model.reshape([ANY, *shape[1:]])


def _prepared(model: Any, card: ModelCard) -> Any:
    """The model with the card's colour order, mean and scale in front: its input is then ``uint8`` RGB."""
    prepared = openvino.preprocess.PrePostProcessor(model)
    prepared.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    prepared.input().model().set_layout(openvino.Layout("NHWC"))
    steps = prepared.input().preprocess().convert_element_type(openvino.Type.f32)
    if card.colour == "BGR":
        steps.reverse_channels()
    steps.mean(list(card.mean)).scale([1 / card.scale] * 3)
    return prepared.build()


def _settings(core: Any) -> dict[str, Any]:
    """Half precision where the processor has it, and this process's threads."""
    half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
