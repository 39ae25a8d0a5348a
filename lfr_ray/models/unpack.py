"""Takes the tensors out of a torch checkpoint that is a program: runs alone, in a process of its own.

Started by :mod:`lfr_ray.models.checkpoint` with ``python -I unpack.py CHECKPOINT RESULT`` and imports nothing of ours.
Unpickling runs whatever the file says; that is why it happens here, where there is nothing to take.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import torch
from torch import nn

MODULES = ("ema", "model", "net", "network")
"""Where checkpoints keep a whole module, best first."""

LARGEST_FILE_BYTES = 8 << 30


def main(checkpoint: str, result: str) -> None:
    """Unpickle one file and write its tensors, with what the module says of its own layout."""
    # No memory image (at 1, unlike 0, none is piped to a crash collector either) and no endless file.
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))
    loaded = torch.load(checkpoint, map_location="cpu", weights_only=False)
    module = module_of(loaded)
    if module is None:
        torch.save({"content": plain(loaded), "about": "{}"}, result)
        return
    about = {name: plain(getattr(module, name, None)) for name in ("yaml", "kpt_shape", "names")}
    tensors = {name: tensor.float() for name, tensor in module.state_dict().items()}
    torch.save({"content": tensors, "about": json.dumps(about, default=str)}, result)


def module_of(loaded: Any) -> nn.Module | None:
    """The network that the checkpoint holds whole, or None."""
    if isinstance(loaded, nn.Module):
        return loaded
    if isinstance(loaded, dict):
        for name in MODULES:
            if isinstance(loaded.get(name), nn.Module):
                return loaded[name]  # type: ignore[no-any-return]
    return None


def plain(value: Any) -> Any:
    """The same with nothing but containers, tensors, numbers and text; everything else is left out."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value if isinstance(value, bool | int | float | str) else None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
