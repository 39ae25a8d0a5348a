"""Torch networks converted for OpenVINO: made once, kept beside the weights' folder, and checked at every start.

What is kept is OpenVINO's own format. Its name says of which weights, with which code and by which OpenVINO it was
made; its index holds the hashes of its files. An altered one is made anew. Torch, which would keep 600 MB of whoever
imports it, is imported by a process of its own that makes it:

    python -m lfr_ray.models.torch_to_openvino CARD_AS_JSON PATH BUILDER HEIGHT WIDTH OPTIONS_AS_JSON
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino

import lfr_ray
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.weight_files import models_folder, sha256_of
from lfr_ray.structured_logs import get_logger

if TYPE_CHECKING:
    from torch import nn

Builder = Callable[..., "tuple[nn.Module, dict[str, Any]]"]
"""Makes a network from ``(card, path)``, with ``trust`` where its files may be programs; says what else it read."""

FOLDER = "converted"
INDEX, MODEL = "index.json", ("model.xml", "model.bin")
LIMIT_S = 600.0

CODE_CARD = ("family", "architecture", "projection", "vector_length", "chip", "colour", "mean", "scale")
"""What of a card decides how a network is built."""

_log = get_logger()


def builder_of(name: str) -> Builder:
    """The function that ``module:function`` names."""
    module, _, function = name.partition(":")
    found: Builder = getattr(importlib.import_module(module), function)
    return found


def converted(
    card: ModelCard, path: Path, builder: str, height: int, width: int, **options: Any
) -> tuple[openvino.Model, dict[str, Any]]:
    """The network of a verified weight file for pictures of one size, and what its builder said of it.

    The builder is ``module:function``, see ``Builder``; it is imported only where the network is not kept already, and
    given the options.

    Raises:
        ModelError: The file is not of that network.
    """
    folder = models_folder() / FOLDER / _key(card, path, builder, height, width, options)
    kept = _kept(folder, card)
    if kept is None and "torch" not in sys.modules:
        words = (card.model_dump_json(), str(path), builder, str(height), str(width), json.dumps(options))
        program = (sys.executable, "-m", "lfr_ray.models.torch_to_openvino", *words)
        with contextlib.suppress(OSError, subprocess.SubprocessError):  # said below, where it goes wrong again
            subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False)
        kept = _kept(folder, card)
    if kept is None:
        network, about = builder_of(builder)(card, path, **options)
        kept = _convert(network, height, width), about
        _keep(folder, *kept)
    return kept


def _key(card: ModelCard, path: Path, builder: str, height: int, width: int, options: dict[str, Any]) -> str:
    spec = importlib.util.find_spec(builder.partition(":")[0])
    assert spec is not None
    assert spec.origin is not None
    parts = [
        sha256_of(path),
        # Some networks are described in a configuration beside their weights.
        *(f"{beside.name} {sha256_of(beside)}" for beside in sorted(path.parent.glob("*.json"))),
        sha256_of(Path(spec.origin)),
        sha256_of(Path(__file__)),
        lfr_ray.__version__,
        openvino.__version__,
        json.dumps(card.model_dump(mode="json", include=set(CODE_CARD)), sort_keys=True),
        f"{builder} {height}x{width} {sorted(options.items())}",
    ]
    return f"{card.id}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:32]}"


def _kept(folder: Path, card: ModelCard) -> tuple[openvino.Model, dict[str, Any]] | None:
    """What was kept, or None where nothing was, or where it is not as it was written."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        files = {name: (folder / name).read_bytes() for name in MODEL}
        whole = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == index["sha256"]
        about = dict(index["about"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        _log.warning(
            "a converted model was altered, and is made anew",
            model=card.id,
            got=str(folder),
            allowed="the files that its index describes",
            next_step="find out who writes to this folder",
        )
        return None
    # From the bytes that were checked: the files could change in between.
    xml, weights = (files[name] for name in MODEL)
    return openvino.Core().read_model(xml, weights), about


def _convert(network: nn.Module, height: int, width: int) -> openvino.Model:
    import torch

    example = torch.zeros(2, 3, height, width)
    network = network.eval().requires_grad_(False)
    with torch.no_grad():
        network(example)  # some remember in their first call what depends on the size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, and warns of whatever depends on the size
        return openvino.convert_model(
            network, example_input=example, input=[openvino.PartialShape([-1, 3, height, width])]
        )


def _keep(folder: Path, model: openvino.Model, about: dict[str, Any]) -> None:
    """Write a network for the next start; where that is not possible, it is made anew each time."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
            new = Path(scratch) / "model"
            new.mkdir()
            openvino.save_model(model, new / MODEL[0], compress_to_fp16=False)
            hashes = {name: sha256_of(new / name) for name in MODEL}
            (new / INDEX).write_text(json.dumps({"about": about, "sha256": hashes}), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(new, folder)
    except (OSError, RuntimeError) as error:
        if getattr(error, "errno", None) in (errno.ENOTEMPTY, errno.EEXIST):
            return  # another process has kept the same one meanwhile
        _log.warning("a converted model cannot be kept", got=f"{folder}: {error}", next_step="make the folder writable")


if __name__ == "__main__":
    import torch  # noqa: F401  (it is this process that makes it)

    given, file, named, high, wide, chosen = sys.argv[1:]
    converted(ModelCard.model_validate_json(given), Path(file), named, int(high), int(wide), **json.loads(chosen))
