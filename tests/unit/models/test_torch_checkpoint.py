"""Checkpoints: tensors come out of every wrapping, and a program in one does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lfr_ray.errors import ModelError
from lfr_ray.models.torch_checkpoint import fill, read_checkpoint

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b.bias": torch.ones(2)}


class Program:
    """Unpickled, it makes a file."""

    def __init__(self, diary: Path) -> None:
        self.diary = diary

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"open({str(self.diary)!r}, 'w').close()",)


def save(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    "wrapped",
    [
        TENSORS,
        {"epoch": 68, "net_state_dict": TENSORS},
        {"state_dict": TENSORS, "hyper_parameters": {"arch": "ir_50"}},
        {"model": {f"module.{name}": value for name, value in TENSORS.items()}, "step": 3},
        nn.ModuleDict({"a": nn.Linear(3, 2, bias=False), "b": nn.LayerNorm(2)}).state_dict(),
    ],
)
def test_tensors_come_out_of_every_wrapping(tmp_path: Path, wrapped: Any) -> None:
    found = read_checkpoint(save(tmp_path / "weights.pt", wrapped))
    assert {"a.weight", "b.bias"} <= found.tensors.keys()
    assert found.tensors["a.weight"].shape == (2, 3)
    assert found.about == {}


def test_a_program_is_refused_and_does_not_run(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    path = save(tmp_path / "program.pt", {"state_dict": TENSORS, "surprise": Program(diary)})
    with pytest.raises(ModelError) as caught:
        read_checkpoint(path)
    assert "program, not only tensors" in str(caught.value)
    assert "program.pt: it calls exec" in caught.value.got
    assert "--trust" in caught.value.next_step
    assert not diary.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint\n" * 10, b"PK\x03\x04" + b"\x00" * 40])
@pytest.mark.parametrize("trust", [False, True])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes, trust: bool) -> None:
    path = tmp_path / "text.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"not a torch checkpoint.*text\.pt"):
        read_checkpoint(path, trust=trust)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3, "lr": 0.1}, torch.ones(3)])
def test_a_checkpoint_without_named_tensors(tmp_path: Path, content: Any) -> None:
    with pytest.raises(ModelError, match="no named tensors"):
        read_checkpoint(save(tmp_path / "empty.pt", content))


def test_tensors_of_another_network(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    right = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    fill(network, right, tmp_path)
    wrong = [
        ({**right, "0.weight": torch.ones(2, 4)}, r"0\.weight of shape \(2, 4\).*shape \(2, 3\)"),
        ({name: value for name, value in right.items() if name != "0.bias"}, r"0\.bias of shape none"),
        ({**right, "2.weight": torch.ones(1)}, r"2\.weight.*shape none"),
    ]
    for tensors, message in wrong:
        with pytest.raises(ModelError, match=message):
            fill(network, tensors, tmp_path / "other.pt")
