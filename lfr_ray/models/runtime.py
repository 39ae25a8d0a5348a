"""Where and how a network runs: device, precision, frozen graphs, batch buckets, self-test."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from torch import nn

from lfr_ray.checks import check_array
from lfr_ray.errors import ConfigError, ModelError, ResourceError
from lfr_ray.models.cards import Detector, Embedder, ModelCard
from lfr_ray.records import Picture

BUCKETS = (1, 2, 4, 8, 16, 32, 64)
"""Batch sizes that networks ever see: others are padded up or split."""

CPU_PADDING = 0.25
"""On a CPU a batch is rather split than padded by more than this share."""

GRAPHS = 16
"""Frozen graphs kept per model, one a picture size; the one unused for longest goes first."""

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str) -> torch.device:
    """The device to run on.

    Args:
        wanted: ``auto`` takes CUDA, then MPS, then the CPU; a name takes exactly that.

    Raises:
        ConfigError: No such name.
        ResourceError: The device is not in this machine; says what is.
    """
    if wanted not in DEVICES:
        raise ConfigError("there is no such device", got=wanted, allowed=", ".join(DEVICES))
    present = available_devices()
    if wanted == "auto":
        return torch.device(present[0])
    if wanted not in present:
        raise ResourceError(
            f"the device {wanted} was asked for, but this machine has none",
            got=f"devices here: {', '.join(present)}",
            allowed=", ".join(("auto", *present)),
            next_step="set `device` to one of these, or run on a machine that has it",
        )
    return torch.device(wanted)


def available_devices() -> tuple[str, ...]:
    """Devices of this machine, best first; ``cpu`` is always the last."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def set_threads(count: int) -> None:
    """Compute with so many threads in this process, networks and resizing alike.

    Raises:
        ConfigError: Fewer than one.
    """
    if count < 1:
        raise ConfigError("a model needs at least one thread", got=count, allowed="1 or more")
    torch.set_num_threads(count)
    cv2.setNumThreads(count)


def bucket_of(batch: int) -> int:
    """The smallest bucket that holds the batch, or the largest there is.

    >>> [bucket_of(size) for size in (1, 3, 8, 33, 100)]
    [1, 4, 8, 64, 64]
    """
    return next((size for size in BUCKETS if size >= batch), BUCKETS[-1])


def parts_of(batch: int, max_padding: float) -> list[int]:
    """Sizes of the parts in which a batch is run; each part is padded to its bucket.

    Args:
        batch: Pictures.
        max_padding: Largest share of a bucket that may be padding: 1 always pads, which suits a GPU, where
            an empty row costs next to nothing; on a CPU it costs as much as a picture.

    >>> parts_of(5, 1.0), parts_of(5, 0.25), parts_of(7, 0.25), parts_of(130, 0.25)
    ([5], [4, 1], [7], [64, 64, 2])
    """
    parts = []
    while batch > 0:
        bucket = bucket_of(batch)
        if batch > bucket or bucket - batch <= max_padding * bucket:
            parts.append(min(batch, bucket))
        else:
            parts.append(max(size for size in BUCKETS if size < bucket))
        batch -= parts[-1]
    return parts


@runtime_checkable
class Readies(Protocol):
    """A network that can make itself ready for one size of input on a CPU."""

    def ready(self, example: torch.Tensor) -> Callable[[torch.Tensor], tuple[torch.Tensor, ...]] | None:
        """Takes inputs of that size, of any B; None where it cannot."""


class Runtime:
    """Runs one network on one device: pictures in, tensors out.

    On a CPU every picture size has its own traced, frozen and optimised graph. On CUDA the network runs in
    half precision and channels-last. Calls from several threads are safe.

    Args:
        network: Takes ``float (B, 3, H, W)``, returns a tensor or a tuple of tensors with B first. One graph
            serves all batch sizes, so the network must not depend on B.
        device: From :func:`choose_device`.
        card: Colour order, mean and scale of the input.
    """

    def __init__(self, network: nn.Module, device: torch.device, card: ModelCard) -> None:
        self.device = device
        self.card = card
        self.dtype = torch.float16 if device.type == "cuda" else torch.float32
        network = network.eval().requires_grad_(False).to(device, self.dtype)
        self._network = network.to(memory_format=torch.channels_last)
        self._graphs: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._mean = torch.tensor(card.mean, device=device).view(1, 3, 1, 1) if any(card.mean) else None

    def run(self, pictures: Picture) -> tuple[torch.Tensor, ...]:
        """Outputs for a batch of any size.

        Args:
            pictures: ``uint8 (B, H, W, 3)`` RGB, B at least 1; may be read-only.

        Returns:
            The network's outputs, ``float32`` on the device, B first.

        Raises:
            ShapeError: Not such an array.
            ModelError: The network gave values that are not finite.
        """
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        sizes = parts_of(len(pictures), CPU_PADDING if self.device.type == "cpu" else 1.0)
        starts = np.cumsum([0, *sizes[:-1]]).tolist()
        parts = [self._run_part(pictures[at : at + size]) for at, size in zip(starts, sizes, strict=True)]
        outputs = parts[0] if len(parts) == 1 else tuple(torch.cat(same) for same in zip(*parts, strict=True))
        if not all(bool(torch.isfinite(output).all()) for output in outputs):
            raise ModelError(
                f"the model {self.card.id} gave values that are not finite",
                got=f"a batch of {pictures.shape} on {self.device.type}",
                next_step="run `lfr models verify`; if the file is right, try another `device`",
            )
        return outputs

    def _run_part(self, pictures: Picture) -> tuple[torch.Tensor, ...]:
        batch = len(pictures)
        padded = np.zeros((bucket_of(batch), *pictures.shape[1:]), np.uint8)
        padded[:batch] = pictures if self.card.colour == "RGB" else pictures[..., ::-1]
        with torch.inference_mode():
            values = self._normalised(padded)
            result = self._callable_for(values)(values)
            outputs = result if isinstance(result, tuple) else (result,)
            return tuple(output[:batch].float() for output in outputs)

    def _normalised(self, pictures: Picture) -> torch.Tensor:
        # Permuting the view keeps the pixels where they are: this is the channels-last order already.
        values = torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float()
        if self._mean is not None:
            values -= self._mean
        if self.card.scale != 1.0:
            values *= self.card.scale
        return values.to(self.dtype)

    def _callable_for(self, values: torch.Tensor) -> Any:
        if self.device.type != "cpu":
            return self._network
        size = tuple(values.shape[2:])
        with self._lock:
            if size not in self._graphs:
                self._graphs[size] = _frozen(self._network, values)
                if len(self._graphs) > GRAPHS:
                    self._graphs.popitem(last=False)
            self._graphs.move_to_end(size)
            return self._graphs[size]


def _frozen(network: nn.Module, example: torch.Tensor) -> Any:
    """The network for one size of input, with its constants folded and oneDNN's own weight layout.

    A network that we know as a graph makes itself ready. Any other is traced by torch.jit: deprecated, yet on a CPU
    twice as fast as its successor on these networks.
    """
    graph = network.ready(example) if isinstance(network, Readies) else None
    if graph is not None:
        return graph
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`?torch\.jit", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message=r"`?torch\.jit", category=FutureWarning)
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        graph = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
        for _ in range(2):  # the executor specialises the graph in its first two runs
            graph(example)
    return graph


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a model did when it was started.

    Attributes:
        device: Where it ran, with the GPU's name.
        ms_per_picture: Median over the repeats, for one picture alone.
    """

    model: str
    device: str
    ms_per_picture: float

    def __str__(self) -> str:
        return f"{self.model} on {self.device}: {self.ms_per_picture:.1f} ms a picture"


def self_test(model: Detector | Embedder, *, width_px: int = 640, height_px: int = 384, repeats: int = 5) -> SelfTest:
    """Run a model on noise, and time it.

    Args:
        model: A loaded detector or embedder.
        width_px: Picture width for a detector; an embedder gets its card's chips.
        height_px: Picture height for a detector.
        repeats: Timed runs.

    Raises:
        ModelError: The model's output is unusable.
    """
    chip = model.card.chip
    size = (height_px, width_px) if chip is None else (chip.height_px, chip.width_px)
    picture = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    times_ms = []
    for _ in range(repeats + 1):
        start_s = time.perf_counter()
        if model.card.task == "detect":
            model.detect(picture)  # type: ignore[union-attr]
        else:
            model.embed(picture)  # type: ignore[union-attr]
        times_ms.append((time.perf_counter() - start_s) * 1000)
    return SelfTest(model.card.id, _device_in_words(getattr(model, "device", "cpu")), float(np.median(times_ms[1:])))


def _device_in_words(device: Any) -> str:
    kind = torch.device(device).type
    if kind == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    if kind == "cpu":
        return f"cpu ({torch.get_num_threads()} of {os.cpu_count()} threads)"
    return kind
