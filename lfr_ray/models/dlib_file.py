"""dlib's own file format, as far as a face ResNet needs it.

* An integer is one control byte (low four bits: how many bytes follow; 0x80: negative) and that many
  little-endian bytes.
* A string is its length as such an integer, then its bytes.
* A tensor is the integers version (2), n, k, rows, columns and then n*k*rows*columns raw little-endian float32.
* Layers with parameters stand input-first; each is its name and then its parameter tensor: ``con_4`` filters
  then biases; ``affine_`` gains then offsets; ``fc_2`` two integers (outputs, inputs) and a tensor inputs x outputs.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lfr_ray.errors import ModelError
from lfr_ray.records import Floats

CONVOLUTION, AFFINE, FULL = "con_4", "affine_", "fc_2"
TENSOR_VERSION = 2
_NAMES = re.compile(b"|".join(re.escape(b"\x01" + bytes([len(n)]) + n.encode()) for n in (CONVOLUTION, AFFINE, FULL)))


def read_dlib(path: Path) -> list[tuple[str, Floats]]:
    """Name and parameters, flat, of every layer that has some, in the file's order.

    Raises:
        ModelError: The file is missing, not a dlib network, or ends too early.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError("a weight file cannot be read", got=f"{path}: {error.strerror}") from None
    layers: list[tuple[str, Floats]] = []
    position = 0
    try:
        while (found := _NAMES.search(data, position)) is not None:
            name = found.group()[2:].decode()
            position = found.end()
            if name == FULL:
                _, position = _integer(data, position)
                _, position = _integer(data, position)
            values, position = _tensor(data, position)
            layers.append((name, values))
    except ValueError as error:
        raise _not_dlib(path, f"layer {len(layers) + 1}: {error}") from None
    if not layers:
        raise _not_dlib(path, "no layer found in it")
    return layers


def _not_dlib(path: Path, why: str) -> ModelError:
    return ModelError(
        "the weight file is not a whole dlib network",
        got=f"{path}: {why}",
        allowed=f"a .dat file with the layers {CONVOLUTION}, {AFFINE}, {FULL}",
        next_step="use the file that the model card describes",
    )


def _integer(data: bytes, position: int) -> tuple[int, int]:
    """The integer at ``position`` and where the next value begins."""
    if position >= len(data):
        raise ValueError("the file ends inside an integer")
    control = data[position]
    end = position + 1 + (control & 0x0F)
    if control & 0x70 or control & 0x0F > 8 or end > len(data):
        raise ValueError(f"no integer at byte {position}")
    value = int.from_bytes(data[position + 1 : end], "little")
    return (-value if control & 0x80 else value), end


def _tensor(data: bytes, position: int) -> tuple[Floats, int]:
    """The tensor at ``position``, flat, and where the next value begins."""
    version, position = _integer(data, position)
    if version != TENSOR_VERSION:
        raise ValueError(f"a tensor of version {version}, not {TENSOR_VERSION}")
    count = 1
    for _ in range(4):
        side, position = _integer(data, position)
        if side < 0:
            raise ValueError(f"a tensor with a side of {side}")
        count *= side
    end = position + 4 * count
    if end > len(data):
        raise ValueError(f"a tensor of {count} numbers, but the file ends before")
    return np.frombuffer(data, "<f4", count, position).astype(np.float32), end
