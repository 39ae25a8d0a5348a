"""The benchmark for a bare machine with a card runs, here on the processor, and says that this proves nothing."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from benchmarks import gpu


def test_it_measures_every_stage_and_several_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    monkeypatch.setattr(gpu, "write_result", lambda *said: written.append(said))
    words = "--device cpu --width 64 --height 64 --batch 1 2 --streams 1 2 --rounds 1"
    monkeypatch.setattr(sys, "argv", ["gpu", *words.split()])
    assert gpu.main() == 1, "no card, no target"
    ((name, question, figures, _, met),) = written
    assert (name, met) == ("gpu_cpu", False)
    assert question.endswith("?")
    stages = {"copy", "detect", "suppress", "align", "embed"}
    assert {batch: set(found) for batch, found in figures["stages_ms_by_batch"].items()} == {"1": stages, "2": stages}
    rates = figures["pictures_per_s_by_batch_and_streams"]
    assert all(rate > 0 for by_streams in rates.values() for rate in by_streams.values())
    assert {tuple(by_streams) for by_streams in rates.values()} == {("1", "2")}
