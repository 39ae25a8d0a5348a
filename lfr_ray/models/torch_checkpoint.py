"""Torch checkpoints: tensors only, unless the operator trusts the file's maker.

A checkpoint is a pickle, and a pickle is a program. Files are read with torch's ``weights_only`` loader, which runs
none of it. One that needs more is refused; with ``trust`` it is unpacked in a process of its own, without this
process's environment, and only tensors, numbers and text come back.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lfr_ray.errors import ModelError
from lfr_ray.telemetry_off import SWITCHES

Tensors = dict[str, torch.Tensor]

WRAPPINGS = ("state_dict", "net_state_dict", "model_state_dict", "model", "net", "network")
"""Where training programs keep the weights inside their checkpoints."""

PREFIX = "module."
"""What torch's DataParallel puts before every name."""

FOREIGN = re.compile(r"GLOBAL ([\w.]+)|(Trying to [^\n]{0,80}|Can only [^\n]{0,80})")
"""How torch names what a checkpoint wants beside tensors."""

UNPACKER = Path(__file__).with_name("unsafe_checkpoint.py")
UNPACK_S = 180

KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
"""Environment variables that the unpacking process gets to see."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        tensors: Name -> tensor, without wrappings and ``module.``.
        about: What a whole pickled module said of its own layout; empty for plain tensors.
    """

    tensors: Tensors = field(repr=False)
    about: Mapping[str, Any] = field(default_factory=dict)


def read_checkpoint(path: Path, *, trust: bool = False) -> Checkpoint:
    """Read a verified checkpoint; with ``trust`` it may be unpacked as the program that it is, in a process of its own.

    Raises:
        ModelError: Not a torch checkpoint, one that needs trust, or one without tensors.
    """
    about: Mapping[str, Any] = {}
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises pickle's, zipfile's and its own errors here
        foreign = FOREIGN.search(str(error))
        if foreign is None:
            raise ModelError(
                "the weight file is not a torch checkpoint", got=f"{path}: {type(error).__name__}"
            ) from None
        if not trust:
            raise ModelError(
                "the checkpoint is a program, not only tensors",
                got=f"{path}: it calls {foreign[1] or foreign[2]}",
                allowed="a checkpoint that torch.load reads with weights_only=True",
                next_step="ask its maker for tensors or ONNX; with --trust it is unpacked in a process of its own",
            ) from None
        loaded, about = _unpacked(path)
    tensors = _tensors_of(loaded)
    if not tensors:
        kind = f"keys {', '.join(map(str, list(loaded)[:8]))}" if isinstance(loaded, dict) else type(loaded).__name__
        raise ModelError("the checkpoint holds no named tensors", got=f"{path}: {kind}", allowed="a state dict")
    return Checkpoint(tensors, about)


def fill(network: nn.Module, tensors: Tensors, path: Path) -> nn.Module:
    """Load named tensors into a network that has exactly these.

    Raises:
        ModelError: Missing, superfluous or differently shaped tensors; names the first.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    # Counters of training steps are no weights; not every program writes them.
    odd = sorted(
        name
        for name in wanted.keys() | found.keys()
        if wanted.get(name) != found.get(name) and not name.endswith("num_batches_tracked")
    )
    if odd:
        raise another_network(
            path,
            f"{len(odd)} tensors differ, first {odd[0]} of shape {found.get(odd[0], 'none')}",
            f"shape {wanted.get(odd[0], 'none')}",
        )
    network.load_state_dict(tensors, strict=False)
    return network


def another_network(path: Path, got: str, allowed: str) -> ModelError:
    """The error of a checkpoint whose tensors belong to another network."""
    return ModelError(
        "the checkpoint is of another network",
        got=f"{path}: {got}",
        allowed=allowed,
        next_step="use the file that the model card describes",
    )


def _tensors_of(loaded: Any) -> Tensors:
    """The named tensors, out of whatever wraps them."""
    if not isinstance(loaded, Mapping):
        return {}
    for name in WRAPPINGS:
        if isinstance(loaded.get(name), Mapping):
            return _tensors_of(loaded[name])
    tensors = {str(name): value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    if tensors and all(name.startswith(PREFIX) for name in tensors):
        tensors = {name[len(PREFIX) :]: value for name, value in tensors.items()}
    return tensors


def _unpacked(path: Path) -> tuple[Any, Mapping[str, Any]]:
    """Run ``unsafe_checkpoint.py`` on the file; see there."""
    with tempfile.TemporaryDirectory(prefix="lfr-unpack-") as folder:
        result = Path(folder) / "tensors.pt"
        given = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        own = {"HOME": folder, "TMPDIR": folder, "YOLO_CONFIG_DIR": folder, "CUDA_VISIBLE_DEVICES": ""}
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(UNPACKER), str(path.resolve()), str(result)],
                cwd=folder,
                env={**given, **SWITCHES, **own},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=UNPACK_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ModelError("unpacking the checkpoint took too long", got=f"{path}: over {UNPACK_S} s") from None
        if done.returncode != 0 or not result.is_file():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
            raise ModelError(
                "the checkpoint cannot be unpacked",
                got=f"{path}: exit status {done.returncode}, {last}",
                next_step="install the package that its classes come from, or ask its maker for tensors",
            )
        answer = torch.load(result, map_location="cpu", weights_only=True)
    return answer["content"], json.loads(answer["about"])
