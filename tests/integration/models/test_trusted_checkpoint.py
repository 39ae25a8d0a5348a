"""A checkpoint that is a program, once it was trusted: it runs in a process of its own and only tensors come back."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lfr_ray.errors import ModelError
from lfr_ray.models.torch_checkpoint import read_checkpoint

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b.bias": torch.ones(2)}


class Program:
    """Unpickled, it writes down where it runs and what it can see."""

    def __init__(self, diary: Path) -> None:
        self.diary = diary

    def __reduce__(self) -> tuple[Any, ...]:
        source = (
            "import os, pathlib; "
            f"pathlib.Path({str(self.diary)!r}).write_text(f\"{{os.getpid()}} {{os.environ.get('LFR_SECRET')}}\")"
        )
        return exec, (source,)


def save(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def test_a_trusted_program_runs_elsewhere_and_sees_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = tmp_path / "diary"
    monkeypatch.setenv("LFR_SECRET", "the operator's own")
    path = save(tmp_path / "program.pt", {"state_dict": TENSORS, "surprise": Program(diary)})
    found = read_checkpoint(path, trust=True)
    assert torch.equal(found.tensors["a.weight"], TENSORS["a.weight"])
    process, _, secret = diary.read_text().partition(" ")
    assert int(process) != os.getpid()
    assert secret == "None"


def test_a_trusted_program_has_no_network(tmp_path: Path) -> None:
    class Caller(Program):
        def __reduce__(self) -> tuple[Any, ...]:
            return exec, ("import socket; socket.create_connection(('127.0.0.1', 9))",)

    path = save(tmp_path / "calling.pt", {"state_dict": TENSORS, "surprise": Caller(tmp_path)})
    with pytest.raises(ModelError, match="PermissionError"):
        read_checkpoint(path, trust=True)


def test_a_whole_module_comes_back_as_tensors_and_what_it_says_of_itself(tmp_path: Path) -> None:
    module = nn.Linear(3, 2)
    module.yaml = {"nc": 1, "kpt_shape": [5, 3]}  # type: ignore[assignment]
    path = save(tmp_path / "module.pt", {"model": module, "train_args": argparse.Namespace(epochs=3)})
    with pytest.raises(ModelError, match="program, not only tensors"):
        read_checkpoint(path)
    found = read_checkpoint(path, trust=True)
    assert torch.equal(found.tensors["weight"], module.weight)
    assert found.about["yaml"] == {"nc": 1, "kpt_shape": [5, 3]}


def test_a_trusted_program_that_fails(tmp_path: Path) -> None:
    class Unknown(Program):
        def __reduce__(self) -> tuple[Any, ...]:
            return exec, ("raise ValueError('no such layer')",)

    path = save(tmp_path / "failing.pt", {"state_dict": TENSORS, "surprise": Unknown(tmp_path)})
    with pytest.raises(ModelError, match=r"cannot be unpacked.*failing\.pt.*no such layer"):
        read_checkpoint(path, trust=True)
