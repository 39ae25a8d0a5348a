"""What every runtime gives: a device, a network that runs on it, and a self-test that says what runs.

The runtimes themselves are ``openvino_runtime`` (CPU, Intel GPU and NPU), ``torch_runtime`` (CUDA, MPS) and
``onnx_runtime`` (the CPU, for a file that OpenVINO cannot read). None of them is imported before it is needed.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import cv2
import numpy as np

from lfr_ray.array_checks import check_array
from lfr_ray.errors import ConfigError, LfrError, ModelError, ResourceError
from lfr_ray.models.cards import Detector, Embedder, ModelCard
from lfr_ray.records import Floats, Picture
from lfr_ray.structured_logs import get_logger

if TYPE_CHECKING:
    import torch

OutputT = TypeVar("OutputT", "Floats", "torch.Tensor")

OPENVINO_DEVICES = {"cpu": "CPU", "intel_gpu": "GPU", "intel_npu": "NPU"}
"""Our name of a device -> OpenVINO's."""

DEVICES = ("auto", "cpu", "cuda", "mps", "intel_gpu", "intel_npu")

_LOST: list[str] = []
"""What the GPU said when this process lost it: no error, whose traceback would hold pictures."""

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model runs, and with how much of it.

    Attributes:
        kind: One of ``DEVICES``, without ``auto``.
        threads: Compute threads on a CPU, for all streams together; None leaves it to the runtime.
        streams: Pictures that a CPU works on at the same time.
    """

    kind: str
    threads: int | None = None
    streams: int = 1

    def __str__(self) -> str:
        return self.kind


class Network(Protocol):
    """One network on one device. Calls from several threads are safe.

    Attributes:
        precision: What it computes with: ``float32``, ``bfloat16`` or ``float16``.
        runtime: Library that runs it.
        height_px: The only picture height that it takes, or None; the width likewise.
        output_names: Names of the outputs, in the order in which they are returned.
        metadata: What the file says beside the graph.
    """

    device: Device
    precision: str
    runtime: str
    height_px: int | None
    width_px: int | None
    output_names: tuple[str, ...]
    metadata: dict[str, str]

    def run(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs, ``float32`` and B first, for a batch of any size.

        ``pictures`` are ``uint8 (B, H, W, 3)`` RGB, B at least 1; they may be read-only.

        Raises:
            ShapeError: Not such an array.
            ModelError: The network failed, lost the batch, or gave values that are not finite.
        """

    def infer(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs of one call, as the network gives them: for outputs that do not keep the pictures apart.

        ``pictures`` are ``uint8 (1, H, W, 3)`` RGB; the errors are those of :meth:`run`.
        """

    def faster(self) -> Network | None:
        """The same network in half precision; None where the device gains nothing by it."""


def choose_device(wanted: str, threads: int | None = None, streams: int = 1) -> Device:
    """The device to run on: ``auto`` takes CUDA, then MPS, then the CPU; a name takes exactly that.

    Raises:
        ConfigError: No such name, or fewer than one thread or stream.
        ResourceError: The device is not in this machine; says what is.
    """
    if wanted not in DEVICES:
        raise ConfigError("there is no such device", got=wanted, allowed=", ".join(DEVICES))
    if streams < 1 or (threads is not None and threads < 1):
        raise ConfigError(
            "a model needs at least one thread and one stream",
            got=f"threads {threads}, streams {streams}",
            allowed="1 or more",
        )
    if wanted == "auto":
        return Device(next(_usual_devices()), threads, streams)
    if wanted != "cpu" and wanted not in (here := available_devices()):
        raise ResourceError(
            f"the device {wanted} was asked for, but this machine has none that computes",
            got=f"devices here: {', '.join(here)}",
            allowed=", ".join(("auto", *here)),
            next_step="set `device` to one of these, or run on a machine that has it",
        )
    return Device(wanted, threads, streams)


def available_devices() -> tuple[str, ...]:
    """Devices of this machine, best first; Intel's, which ``auto`` never takes, are the last."""
    import openvino

    # Several of one kind are GPU.0, GPU.1.
    found = {name.partition(".")[0] for name in openvino.Core().available_devices}
    return (
        *_usual_devices(),
        *(name for name, theirs in OPENVINO_DEVICES.items() if name != "cpu" and theirs in found),
    )


def _usual_devices() -> Iterator[str]:
    # Torch takes seconds and 300 MB to import: it is asked only where there may be something to find.
    if _gpu_driver():
        import torch

        if torch.cuda.is_available() and _computes("cuda"):
            yield "cuda"
    if sys.platform == "darwin":
        import torch

        if torch.backends.mps.is_available() and _computes("mps"):
            yield "mps"
    yield "cpu"


def _computes(kind: str) -> bool:
    """Whether torch adds one number there: it may have no kernels for a card, or the card no memory left."""
    import torch

    try:
        return float(torch.ones(1, device=kind).sum()) == 1.0
    except RuntimeError as error:
        _log.warning(
            "a device is here, but torch cannot compute on it",
            got=f"{kind}: {line_of(error, 0)}",
            next_step="free its memory, or install the torch that is made for it",
        )
        return False


def _gpu_driver() -> bool:
    """The driver of an NVIDIA or AMD GPU is installed."""
    if Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def note_lost(said: str) -> None:
    """This process has lost its GPU: CUDA says the same of whatever is asked from now on."""
    _LOST[:] = [said]


def check_not_lost() -> None:
    """Look at what was noted.

    Raises:
        ModelError: The GPU is lost.
    """
    if _LOST:
        raise ModelError(
            "this process has lost its GPU", got=_LOST[0], next_step="start another process; see the driver's log"
        )


def set_threads(count: int) -> None:
    """Resize and compute outside of OpenVINO with so many threads in this process.

    Raises:
        ConfigError: Fewer than one.
    """
    if count < 1:
        raise ConfigError("a model needs at least one thread", got=count, allowed="1 or more")
    cv2.setNumThreads(count)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)


def padded(pictures: Picture, count: int) -> Picture:
    """The pictures, and behind them black ones, so that there are ``count``."""
    black = np.zeros((count - len(pictures), *pictures.shape[1:]), np.uint8)
    return np.concatenate((pictures, black)) if len(black) else pictures


def another_input(card: ModelCard, what: str, got: str, allowed: str) -> ModelError:
    """The error of a file whose input is not what it should be."""
    return ModelError(
        f"the file of model {card.id} {what}",
        got=got,
        allowed=allowed,
        next_step="use the file that the model card describes",
    )


def line_of(error: object, number: int = -1) -> str:
    """One line of a library's message, by default the last, at most 200 letters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no reason given"]
    return lines[number][:200]


def finite(outputs: tuple[Floats, ...], model: str, where: str) -> tuple[Floats, ...]:
    """The same outputs.

    Raises:
        ModelError: A value is not finite.
    """
    if not all(bool(np.isfinite(output).all()) for output in outputs):
        raise not_finite(model, where)
    return outputs


def not_finite(model: str, where: str) -> ModelError:
    """The error of a network's values that are not finite."""
    return ModelError(
        f"the model {model} gave values that are not finite",
        got=where,
        next_step="run `lfr models verify`; if the file is right, try another `device`, or check the card's mean and "
        "scale",
    )


def kept_apart(outputs: tuple[OutputT, ...], count: int, model: str) -> tuple[OutputT, ...]:
    """The same outputs.

    Raises:
        ModelError: The first axis of an output is not the batch of ``count`` pictures.
    """
    if any(output.ndim == 0 or len(output) != count for output in outputs):
        raise ModelError(
            f"the network of model {model} does not keep the pictures of a batch apart",
            got=f"outputs {[output.shape for output in outputs]} for {count} pictures",
            allowed="outputs whose first axis is the batch",
            next_step="export the model with a batch axis",
        )
    return outputs


class NetworkInParts(ABC):
    """What ONNX Runtime's and torch's have in common: a batch of any size goes through in parts, padded with black."""

    card: ModelCard
    most: int
    """Pictures of one part."""

    def run(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs for a batch of any size; see :class:`Network`."""
        parts = list(self.in_parts(pictures, self.infer))
        return parts[0] if len(parts) == 1 else tuple(np.concatenate(same) for same in zip(*parts, strict=True))

    def faster(self) -> Network | None:
        """None: it runs in the only precision that suits it from the start."""
        return None

    @abstractmethod
    def infer(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs of one call, as the network gives them; see :class:`Network`."""

    @abstractmethod
    def padded_size(self, count: int) -> int:
        """How many pictures the network gets where there are so many."""

    def in_parts(
        self, pictures: Picture, infer: Callable[[Picture], tuple[OutputT, ...]]
    ) -> Iterator[tuple[OutputT, ...]]:
        """What ``infer`` gives for one part after the other, without what it gives for the padding."""
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        for at in range(0, len(pictures), self.most):
            part = pictures[at : at + self.most]
            whole = padded(part, self.padded_size(len(part)))
            outputs = kept_apart(infer(whole), len(whole), self.card.id)
            yield tuple(output[: len(part)] for output in outputs)


def half_if_same(network: Network, same: Callable[[Network, Network], bool]) -> Network:
    """The network in half precision where it gives the same, else the network itself."""
    try:
        faster = network.faster()
        return network if faster is None or not same(network, faster) else faster
    except LfrError:
        return network  # whatever is wrong is said by the checks of the network itself, or when real pictures come


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a model did when it was started; the time for one picture alone is the median over the repeats."""

    model: str
    device: str
    ms_per_picture: float
    precision: str = "float32"

    def __str__(self) -> str:
        return f"{self.model} on {self.device} in {self.precision}: {self.ms_per_picture:.1f} ms a picture"


def self_test(
    model: Detector | Embedder, *, width_px: int = 640, height_px: int = 384, repeats: int = 5, most: int = 1
) -> SelfTest:
    """Run a model on noise, once to warm up and then ``repeats`` times, and time it.

    A detector gets pictures of this size, an embedder chips as its card has them. Where it will get up to ``most`` of
    them at a time, batches of 1, 2, 4 and so on warm it up: a GPU prepares each size when that first comes.

    Raises:
        ModelError: The model's output is unusable.
    """
    chip = model.card.chip
    size = (height_px, width_px) if chip is None else (chip.height_px, chip.width_px)
    picture = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    run: Callable[[Picture], object] = model.detect if model.card.task == "detect" else model.embed  # type: ignore[union-attr]
    for doublings in range((most - 1).bit_length() + 1):
        run(picture.repeat(1 << doublings, axis=0))
    times_ms = []
    for _ in range(repeats):
        start_s = time.perf_counter()
        run(picture)
        times_ms.append((time.perf_counter() - start_s) * 1000)
    network: Network = model.network  # type: ignore[union-attr]
    return SelfTest(model.card.id, _in_words(network), float(np.median(times_ms)), network.precision)


def _in_words(network: Network) -> str:
    device = network.device
    if device.kind == "cuda":
        import torch

        return f"cuda ({torch.cuda.get_device_name()})"
    if device.kind != "cpu":
        return f"{device.kind} ({network.runtime})"
    share = f"{device.threads or os.cpu_count()} of {os.cpu_count()} threads"
    streams = f", {device.streams} streams" if device.streams > 1 else ""
    return f"cpu ({share}{streams}, {network.runtime})"
