"""Recordings of a network: one a size, used only where they give what the network gives."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from lfr_ray.models.cuda_graphs import (
    MOST_SIZES,
    Outputs,
    Record,
    RecordedNetwork,
    Recording,
    outputs_of,
    record_on_cuda,
)


class Counted(nn.Module):
    """Twice the values, and their sum; counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, values: torch.Tensor) -> Outputs:
        self.calls += 1
        return values * 2, values.sum(dim=(1, 2, 3))


MADE: list[Recording] = []


def recorder(recorded: Counter[int], away: float = 0.0) -> Record:
    """What records in a test, where there is no GPU: it counts pictures, and answers without the network."""

    def record(_network: nn.Module, example: torch.Tensor, _before: Recording | None) -> Recording:
        recorded[len(example)] += 1
        given, twice, sums = example.clone(), torch.empty_like(example), torch.empty(len(example))

        def replay() -> None:
            twice.copy_(given * 2 + away)
            sums.copy_(given.sum(dim=(1, 2, 3)))

        MADE.append(Recording(given, (twice, sums), replay))
        return MADE[-1]

    return record


def test_each_size_is_recorded_once_and_then_replayed() -> None:
    network, recorded = Counted(), Counter[int]()
    running = RecordedNetwork(network, recorder(recorded))
    for batch in (1, 2, 1, 1, 2):
        values = torch.rand(batch, 3, 4, 4)
        for found, wanted in zip(running(values), outputs_of(Counted(), values), strict=True):
            torch.testing.assert_close(found, wanted)
    assert recorded == {1: 1, 2: 1}
    assert network.calls == 2, "once a size, to compare"


def test_a_recording_that_gives_something_else_is_not_used() -> None:
    network = Counted()
    running = RecordedNetwork(network, recorder(Counter(), away=0.5))
    values = torch.rand(1, 3, 4, 4)
    for _ in range(3):
        torch.testing.assert_close(running(values)[0], values * 2)
    assert network.calls == 4


def test_no_picture_stays_in_a_recording() -> None:
    running = RecordedNetwork(Counted(), recorder(Counter()))
    for _ in range(2):
        assert running(torch.rand(1, 3, 4, 4))[0].any()
        assert not any(bool(one.any()) for one in (MADE[-1].given, *MADE[-1].outputs))


def test_what_cannot_be_recorded_runs_as_it_is() -> None:
    def refuse(_network: nn.Module, _example: torch.Tensor, _before: Recording | None) -> Recording:
        raise RuntimeError("operation not permitted when stream is capturing")

    network = Counted()
    running = RecordedNetwork(network, refuse)
    values = torch.rand(1, 3, 4, 4)
    for _ in range(3):
        torch.testing.assert_close(running(values)[0], values * 2)
    assert network.calls == 4
    running(torch.rand(2, 3, 4, 4))
    assert network.calls == 5, "no other size is tried"


def test_one_network_is_recorded_at_a_time_whichever_threads_ask() -> None:
    under_way, most = Counter[str](), []

    def slow(_network: nn.Module, _example: torch.Tensor, _before: Recording | None) -> Recording:
        under_way["now"] += 1
        most.append(under_way["now"])
        threading.Event().wait(0.02)
        under_way["now"] -= 1
        raise RuntimeError("there is no device")

    values = torch.rand(1, 3, 4, 4)
    with ThreadPoolExecutor(3) as threads:
        for found in [threads.submit(RecordedNetwork(Counted(), slow), values) for _ in range(3)]:
            torch.testing.assert_close(found.result()[0], values * 2)
    assert most == [1, 1, 1]


def test_no_more_sizes_are_recorded_than_memory_is_meant_for() -> None:
    recorded = Counter[int]()
    running = RecordedNetwork(Counted(), recorder(recorded))
    for batch in range(1, MOST_SIZES + 3):
        assert len(running(torch.rand(batch, 3, 4, 4))[0]) == batch
    assert len(recorded) == MOST_SIZES


def test_recordings_share_the_memory_of_the_first_that_is_used() -> None:
    given: list[Recording | None] = []
    right, wrong = recorder(Counter()), recorder(Counter(), away=0.5)

    def record(network: nn.Module, example: torch.Tensor, before: Recording | None) -> Recording:
        given.append(before)
        return (wrong if len(given) == 1 else right)(network, example, before)

    running = RecordedNetwork(Counted(), record)
    for batch in (1, 2, 4, 8):
        running(torch.rand(batch, 3, 4, 4))
    first = running._by_size[torch.Size((2, 3, 4, 4))]
    assert first is not None
    assert [one is first for one in given] == [False, False, True, True]
    assert given[:2] == [None, None], "the memory of a recording that is not used is given back"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_recording_on_cuda_gives_what_the_network_gives() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)).eval().requires_grad_(False).cuda()
    running = RecordedNetwork(network)
    with torch.inference_mode():
        for seed, batch in enumerate((2, 4, 1, 2, 4, 1)):  # in another order than they were recorded in
            torch.manual_seed(seed)
            values = torch.rand(batch, 3, 32, 32, device="cuda")
            assert record_on_cuda(network, values)(values)[0].shape == (batch, 4, 28, 28)
            torch.testing.assert_close(running(values)[0], network(values), atol=1e-3, rtol=1e-3)
    recordings = [one for one in running._by_size.values() if one is not None]
    assert len(recordings) == 3, "none fell back"
    assert len({one.room for one in recordings}) == 1
