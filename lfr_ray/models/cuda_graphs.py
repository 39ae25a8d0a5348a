"""A network's work for pictures of one size, recorded once: CUDA then starts its hundreds of kernels as one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Outputs = tuple[torch.Tensor, ...]

MOST_SIZES = 16
"""Sizes that are recorded; others run as they are."""

WARM_UP = 3
"""Runs before a recording, in which libraries choose their kernels; as PyTorch's notes on CUDA graphs advise."""

ONE_AT_A_TIME = threading.Lock()
"""CUDA lets a process record one network at a time, whatever its threads are; detector and embedder load together."""

TOLERANCE = 0.01
"""A recording whose values are further away from the network's own is not used: half precision needs less."""

_log = logging.getLogger(__name__)
"""A machine that only measures networks has no other."""


@dataclass(frozen=True)
class Recording:
    """What was recorded: it works on ``given`` and leaves ``outputs``; between two calls both are empty."""

    given: torch.Tensor
    outputs: Outputs
    replay: Callable[[], None]
    room: Any = None
    """Where it was recorded: CUDA's stream and pool of memory."""

    def __call__(self, values: torch.Tensor) -> Outputs:
        """Outputs for values of the same size."""
        self.given.copy_(values)
        self.replay()
        found = tuple(output.clone() for output in self.outputs)
        for one in (self.given, *self.outputs):
            one.zero_()  # no face waits here for the next one
        return found


Record = Callable[[nn.Module, torch.Tensor, Recording | None], Recording]


def outputs_of(network: nn.Module, values: torch.Tensor) -> Outputs:
    """What the network gives, as a tuple also where it is one tensor."""
    result = network(values)
    return (result,) if isinstance(result, torch.Tensor) else tuple(result)


def record_on_cuda(network: nn.Module, example: torch.Tensor, before: Recording | None = None) -> Recording:
    """The network's work for tensors like this one, recorded.

    It works in the memory of the recording ``before``, for which PyTorch wants the same stream. That is safe while one
    of them is called at a time: each writes all it reads but its weights, and outputs that are held are nobody else's.

    Raises:
        RuntimeError: It does something that cannot be recorded, for example wait for the device.
    """
    given = example.clone()
    # Without a stream of its own it would be the one that the recordings of all networks share.
    beside, pool = before.room if before else (torch.cuda.Stream(given.device), None)  # type: ignore[no-untyped-call]
    current = torch.cuda.current_stream(given.device)
    beside.wait_stream(current)
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            network(given)
    current.wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    # Other threads go on using the device.
    with torch.cuda.graph(graph, pool=pool, stream=beside, capture_error_mode="thread_local"):
        outputs = outputs_of(network, given)

    return Recording(given, outputs, graph.replay, (beside, graph.pool()))


class RecordedNetwork:
    """A network that is recorded for each size when that first comes; it gives what the network gives.

    Where recording fails, or a recording gives something else, the network runs as it is. Calls from several threads
    are safe, one after the other: that is also why all recordings may share one memory.
    """

    def __init__(self, network: nn.Module, record: Record = record_on_cuda) -> None:
        self._network, self._record = network, record
        self._by_size: dict[torch.Size, Recording | None] = {}
        self._lock, self._can = threading.Lock(), True

    def __call__(self, values: torch.Tensor) -> Outputs:
        """Outputs for ``float (B, 3, H, W)`` on the device."""
        with self._lock:
            if self._can and values.shape not in self._by_size and len(self._by_size) < MOST_SIZES:
                self._by_size[values.shape] = self._recorded(values)
            replay = self._by_size.get(values.shape)
            return outputs_of(self._network, values) if replay is None else replay(values)

    def _recorded(self, values: torch.Tensor) -> Recording | None:
        wanted = outputs_of(self._network, values)
        before = next(filter(None, self._by_size.values()), None)  # one that lives, as its memory does
        try:
            with ONE_AT_A_TIME:
                replay = self._record(self._network, values, before)
            found = replay(values)
        except RuntimeError as error:
            _log.warning("a network runs without being recorded: %s: %s", [*values.shape], type(error).__name__)
            self._can = False  # of another size it would do the same
            return None
        same = all(torch.allclose(*pair, atol=TOLERANCE, rtol=TOLERANCE) for pair in zip(found, wanted, strict=True))
        return replay if same else None
