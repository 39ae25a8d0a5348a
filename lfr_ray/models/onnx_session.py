"""An ONNX file run by ONNX Runtime, on the CPU or on CUDA: pictures in, arrays out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from lfr_ray.checks import check_array
from lfr_ray.errors import ConfigError, ModelError, ResourceError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.runtime import BUCKETS
from lfr_ray.records import Floats, Picture

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Our name of a device -> ONNX Runtime's."""

INPUT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}

UNKNOWN_OPERATOR = re.compile(r"No Op registered for (\S+)|([\w.:]+)\(-?\d+\) is not a registered function")
"""How ONNX Runtime names an operator that it does not know."""

Array = npt.NDArray[Any]


def choose_onnx_device(wanted: str) -> torch.device:
    """The device on which ONNX Runtime can run; ``auto`` takes CUDA where it is built in and present.

    Raises:
        ConfigError: No such device for ONNX files.
        ResourceError: The device is not in this machine, or this ONNX Runtime is not built for it.
    """
    if wanted not in ("auto", *PROVIDERS):
        raise ConfigError("ONNX files do not run on this device", got=wanted, allowed=f"auto, {', '.join(PROVIDERS)}")
    built = PROVIDERS["cuda"] in onnxruntime.get_available_providers()
    if wanted != "cuda":
        return torch.device("cuda" if wanted == "auto" and built and torch.cuda.is_available() else "cpu")
    if not built or not torch.cuda.is_available():
        raise ResourceError(
            "CUDA was asked for, but an ONNX file cannot run on it here",
            got="no CUDA device" if built else "an ONNX Runtime that is built for the CPU",
            allowed="auto, cpu",
            next_step="pip install onnxruntime-gpu, or set `device` to cpu",
        )
    return torch.device("cuda")


class OnnxSession:
    """One ONNX file, loaded.

    Attributes:
        batch: The only batch size that the file takes, or None for any.
        height_px: The only picture height that it takes, or None.
        width_px: The only picture width, or None.
        output_names: Names of the outputs, in the order in which they are returned.
        metadata: What the exporter wrote beside the graph.

    Args:
        path: The verified file.
        device: From :func:`choose_onnx_device`. Compute threads are those of this process (``set_threads``).
        card: Colour order, mean and scale of the input.

    Raises:
        ModelError: Not an ONNX file, an unknown operator, or not one picture batch as input.
        ResourceError: ONNX Runtime cannot use the device.
    """

    def __init__(self, path: Path, device: torch.device, card: ModelCard) -> None:
        self.card = card
        self.path = path
        self._session = _open(path, device)
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
            raise ModelError(
                f"the ONNX file of model {card.id} does not take pictures",
                got=f"{path}: " + ", ".join(f"{value.name} {value.shape}" for value in inputs),
                allowed="one input of shape (batch, 3, height, width)",
                next_step="use the file that the model card describes",
            )
        if inputs[0].type not in INPUT_TYPES:
            raise ModelError(
                f"the ONNX file of model {card.id} takes another kind of number",
                got=f"{path}: {inputs[0].type}",
                allowed=", ".join(INPUT_TYPES),
            )
        self._input = inputs[0].name
        self._dtype = INPUT_TYPES[inputs[0].type]
        self.batch, self.height_px, self.width_px = (
            side if isinstance(side, int) and side > 0 else None for side in (shape[0], shape[2], shape[3])
        )
        self.output_names = tuple(value.name for value in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs for a batch of any size.

        A file with a fixed batch is fed in parts of that size, the last one padded with black pictures.

        Args:
            pictures: ``uint8 (B, H, W, 3)`` RGB, B at least 1; may be read-only.

        Returns:
            The file's outputs, B first.

        Raises:
            ShapeError: Not such an array.
            ModelError: The graph failed, lost the batch, or gave values that are not finite.
        """
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        size = self.batch or BUCKETS[-1]
        parts = [self._run_part(pictures[at : at + size]) for at in range(0, len(pictures), size)]
        return parts[0] if len(parts) == 1 else tuple(np.concatenate(same) for same in zip(*parts, strict=True))

    def infer(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs of one call, as the graph gives them: for files whose outputs do not keep the batch apart.

        Raises:
            ModelError: The graph failed, or gave values that are not finite.
        """
        values = self._prepared(pictures)
        try:
            outputs = self._session.run(None, {self._input: values})
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base but Exception
            raise ModelError(
                f"the ONNX file of model {self.card.id} failed",
                got=f"a batch of {pictures.shape}: {_first_line(error)}",
                next_step="compare the input's size with the model card",
            ) from None
        found = tuple(np.asarray(output, np.float32) for output in outputs)
        if not all(bool(np.isfinite(output).all()) for output in found):
            raise ModelError(
                f"the model {self.card.id} gave values that are not finite",
                got=f"a batch of {pictures.shape}",
                next_step="run `lfr models verify`; if the file is right, its card's mean or scale may be wrong",
            )
        return found

    def _run_part(self, pictures: Picture) -> tuple[Floats, ...]:
        count = len(pictures)
        if self.batch is not None and count < self.batch:
            padding = np.zeros((self.batch - count, *pictures.shape[1:]), np.uint8)
            pictures = np.concatenate((pictures, padding))
        outputs = self.infer(pictures)
        if any(output.ndim == 0 or len(output) != len(pictures) for output in outputs):
            raise ModelError(
                f"the ONNX file of model {self.card.id} does not keep the pictures of a batch apart",
                got=f"outputs {[output.shape for output in outputs]} for {len(pictures)} pictures",
                allowed="outputs whose first axis is the batch",
                next_step="export the model with a batch axis",
            )
        return tuple(output[:count] for output in outputs)

    def _prepared(self, pictures: Picture) -> Array:
        ordered = pictures if self.card.colour == "RGB" else pictures[..., ::-1]
        values = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32)
        if any(self.card.mean):
            values -= np.array(self.card.mean, np.float32)[:, None, None]
        if self.card.scale != 1.0:
            values *= np.float32(self.card.scale)
        return values.astype(self._dtype, copy=False)


def _open(path: Path, device: torch.device) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    # Threads that spin while they wait would take the processor from the other replicas.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    provider = PROVIDERS[device.type]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base but Exception
        raise _refused(path, str(error)) from None
    if session.get_providers()[0] != provider:
        raise ResourceError(
            "ONNX Runtime cannot use the device",
            got=f"{provider} was asked for, {session.get_providers()[0]} would run",
            next_step="install the CUDA libraries that onnxruntime-gpu names, or set `device` to cpu",
        )
    return session


def _refused(path: Path, message: str) -> ModelError:
    unknown = UNKNOWN_OPERATOR.search(message)
    if unknown:
        return ModelError(
            "the ONNX file has an operator that ONNX Runtime does not know",
            got=f"{path}: {unknown[1] or unknown[2]}",
            allowed=f"the operators of ONNX Runtime {onnxruntime.__version__}",
            next_step="export the model with standard operators, or install a newer ONNX Runtime",
        )
    return ModelError(
        "the weight file is not an ONNX model that can run",
        got=f"{path}: {_first_line(message)}",
        allowed="an ONNX file",
    )


def _first_line(message: object) -> str:
    return str(message).strip().splitlines()[0][:200] if str(message).strip() else "no reason given"
