"""Takes the tensors out of a torch checkpoint that is a program: runs alone, in a process of its own.

Started by :mod:`~lfr_ray.models.torch_checkpoint`: ``python -I unsafe_checkpoint.py CHECKPOINT RESULT``;
it imports nothing of ours.
Unpickling runs whatever the file says; that is why it happens here, where there is nothing to take.
"""

from __future__ import annotations

import ctypes
import json
import platform
import resource
import struct
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
    refuse_network()
    loaded = torch.load(checkpoint, map_location="cpu", weights_only=False)
    module = module_of(loaded)
    if module is None:
        torch.save({"content": plain(loaded), "about": "{}"}, result)
        return
    about = {name: plain(getattr(module, name, None)) for name in ("yaml", "kpt_shape", "names")}
    tensors = {name: tensor.float() for name, tensor in module.state_dict().items()}
    torch.save({"content": tensors, "about": json.dumps(about, default=str)}, result)


def refuse_network() -> None:
    """From now on this process, and whatever it starts, opens no socket: a filter in the kernel, which nothing undoes.

    Raises:
        SystemExit: This machine cannot do that.
    """
    known = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
    if sys.platform != "linux" or platform.machine() not in known:
        raise SystemExit("only Linux on x86_64 or aarch64 can refuse it the network; unpack the file there")
    architecture, socket_call = known[platform.machine()]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    refused, allowed, io_uring_setup, other_calls = 0x00050001, 0x7FFF0000, 425, 0x40000000
    steps = [
        (load, 0, 0, 4),
        (equal, 0, 5, architecture),
        (load, 0, 0, 0),
        (at_least, 3, 0, other_calls),
        (equal, 2, 0, socket_call),
        (equal, 1, 0, io_uring_setup),
        (answer, 0, 0, allowed),
        (answer, 0, 0, refused),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp, by_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(seccomp, by_filter, program, 0, 0):
        raise SystemExit("the kernel does not refuse it the network; unpack the file on another machine")


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
