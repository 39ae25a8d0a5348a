"""The benchmark for a bare machine with a card runs, here on the processor, and says that this proves nothing."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch.nn import functional

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
    assert figures["not_measured_to_the_end_by_batch"] == {}


def test_a_size_for_which_there_is_no_memory_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    monkeypatch.setattr(gpu, "write_result", lambda *said: written.append(said))

    class Full(gpu.Stages):
        def suppress(self) -> torch.Tensor:
            if self.batch == 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore words")
            return super().suppress()

    monkeypatch.setattr(gpu, "Stages", Full)
    words = "--device cpu --width 64 --height 64 --batch 2 1 --streams 1 --rounds 1"
    monkeypatch.setattr(sys, "argv", ["gpu", *words.split()])
    gpu.main()
    ((_, _, figures, _, _),) = written
    said = "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"
    assert figures["not_measured_to_the_end_by_batch"] == {"2": said}
    assert set(figures["stages_ms_by_batch"]["2"]) == {"copy", "detect"}
    assert figures["pictures_per_s_best"] == figures["pictures_per_s_by_batch_and_streams"]["1"]["1"] > 0


def test_chips_are_those_that_copies_of_the_pictures_would_give() -> None:
    stages = gpu.Stages(torch.device("cpu"), 2, (64, 96))
    stages.turns = torch.randn(2 * gpu.FACES, 2, 3) / 3
    pictures = stages.copy()
    sides = [2 * gpu.FACES, 3, gpu.CHIP_PX, gpu.CHIP_PX]
    grid = functional.affine_grid(stages.turns, sides, align_corners=False)
    wanted = functional.grid_sample(pictures.repeat_interleave(gpu.FACES, dim=0), grid, align_corners=False)
    torch.testing.assert_close(stages.align(pictures), wanted)
