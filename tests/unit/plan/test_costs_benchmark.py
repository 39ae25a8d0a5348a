"""The program that measures a machine's costs: which device it takes, and what it times."""

from __future__ import annotations

import sys

import pytest

from benchmarks import costs
from lfr_ray.plan.measured_costs import costs_of, hardware


def test_a_gpu_that_is_not_there_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(costs, "available_devices", lambda: ("cpu",))
    monkeypatch.setattr(sys, "argv", ["costs", "--hardware", "h100", "--device", "cuda"])
    with pytest.raises(SystemExit) as caught:
        costs.main()
    assert caught.value.code == 2
    assert "this machine has no cuda" in capsys.readouterr().err


def test_a_batch_is_shared_by_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = {"process_time": iter((1.0, 1.4)), "perf_counter": iter((5.0, 5.8))}
    for name, values in ticks.items():
        monkeypatch.setattr(costs.time, name, lambda values=values: next(values))
    calls: list[int] = []
    assert costs.spent_ms(lambda: calls.append(1), times=2, pictures=8) == pytest.approx((25.0, 50.0))
    assert len(calls) == 2


@pytest.mark.parametrize("name", hardware())
def test_a_table_has_the_memory_that_the_program_writes(name: str) -> None:
    assert costs_of(name).memory_mb.model_dump() == costs.MEMORY_MB
