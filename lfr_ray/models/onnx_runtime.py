"""An ONNX file in ONNX Runtime, on the CPU: for those that OpenVINO cannot read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import Device, NetworkInParts, another_input, finite, line_of
from lfr_ray.records import Floats, Picture

INPUT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}

LARGEST_BATCH = 8

UNKNOWN_OPERATOR = re.compile(r"No Op registered for (\S+)|([\w.:]+)\(-?\d+\) is not a registered function")
"""How ONNX Runtime names an operator that it does not know."""

Array = npt.NDArray[Any]


class OnnxNetwork(NetworkInParts):
    """One ONNX file in ONNX Runtime; see :class:`~lfr_ray.models.device_and_self_test.Network`.

    Attributes:
        batch: The only batch size that the file takes, or None for any.

    Raises:
        ModelError: Not an ONNX file, an unknown operator, or not one picture batch as input.
    """

    runtime = "ONNX Runtime"
    precision = "float32"

    def __init__(self, path: Path, device: Device, card: ModelCard) -> None:
        self.card = card
        self.device = device
        self._session = _open(path, device)
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
            got = f"{path}: " + ", ".join(f"{value.name} {value.shape}" for value in inputs)
            allowed = "one input of shape (batch, 3, height, width)"
            raise another_input(card, "does not take pictures", got, allowed)
        if inputs[0].type not in INPUT_TYPES:
            got, allowed = f"{path}: {inputs[0].type}", ", ".join(INPUT_TYPES)
            raise another_input(card, "takes another kind of number", got, allowed)
        self._input = inputs[0].name
        self._dtype = INPUT_TYPES[inputs[0].type]
        self.batch, self.height_px, self.width_px = (
            side if isinstance(side, int) and side > 0 else None for side in (shape[0], shape[2], shape[3])
        )
        self.most = self.batch or LARGEST_BATCH
        self.output_names = tuple(value.name for value in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def padded_size(self, count: int) -> int:
        """The file's own batch size, where it has one."""
        return self.batch or count

    def infer(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs of one call, as the graph gives them; see :class:`~lfr_ray.models.device_and_self_test.Network`."""
        values = self._prepared(pictures)
        try:
            outputs = self._session.run(None, {self._input: values})
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base but Exception
            raise ModelError(
                f"the network of model {self.card.id} failed",
                got=f"a batch of {pictures.shape}: {line_of(error, 0)}",
                next_step="compare the input's size with the model card",
            ) from None
        found = tuple(np.asarray(output, np.float32) for output in outputs)
        return finite(found, self.card.id, f"a batch of {pictures.shape}")

    def _prepared(self, pictures: Picture) -> Array:
        ordered = pictures if self.card.colour == "RGB" else pictures[..., ::-1]
        values = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32)
        if any(self.card.mean):
            values -= np.array(self.card.mean, np.float32)[:, None, None]
        if self.card.scale != 1.0:
            values *= np.float32(self.card.scale)
        return values.astype(self._dtype, copy=False)


def _open(path: Path, device: Device) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = device.threads or 0
    options.inter_op_num_threads = 1
    # Threads that spin while they wait would take the processor from the other replicas.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base but Exception
        message = str(error)
    unknown = UNKNOWN_OPERATOR.search(message)
    if unknown:
        raise ModelError(
            "the ONNX file has an operator that neither OpenVINO nor ONNX Runtime knows",
            got=f"{path}: {unknown[1] or unknown[2]}",
            allowed=f"the operators of ONNX Runtime {onnxruntime.__version__}",
            next_step="export the model with standard operators, or install a newer ONNX Runtime",
        )
    raise ModelError(
        "the weight file is not an ONNX model that can run",
        got=f"{path}: {line_of(message, 0)}",
        allowed="an ONNX file",
        next_step="use the file that the model card describes",
    )
