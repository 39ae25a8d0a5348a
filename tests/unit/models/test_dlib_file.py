"""dlib's file format, on small files written in it and on damaged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.dlib_file import AFFINE, CONVOLUTION, FULL, read_dlib
from lfr_ray.models.weight_files import find_weights


def integer(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def tensor(values: np.ndarray) -> bytes:
    return b"".join(map(integer, (2, values.size, 1, 1, 1))) + values.astype("<f4").tobytes()


def layer(name: str, values: np.ndarray) -> bytes:
    before = integer(4) + integer(values.size // 4) if name == FULL else b""
    return text(name) + before + tensor(values) + integer(-1) + b"trailing parameters of no interest"


LAYERS = [(CONVOLUTION, np.arange(300.0)), (AFFINE, np.linspace(-1, 1, 20)), (FULL, np.arange(8.0))]


@pytest.fixture
def content() -> bytes:
    return text("net") + b"".join(layer(name, values) for name, values in LAYERS)


def test_layers_come_in_the_files_order(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(content)
    found = read_dlib(path)
    assert [one for one, _ in found] == [name for name, _ in LAYERS]
    for (_, one), (_, values) in zip(found, LAYERS, strict=True):
        np.testing.assert_array_equal(one, values.astype(np.float32))


def test_the_face_resnet(tmp_path: Path) -> None:
    found = read_dlib(find_weights(card("dlib_resnet")))
    names = [one for one, _ in found]
    assert (names.count(CONVOLUTION), names.count(AFFINE), names.count(FULL)) == (29, 29, 1)
    assert found[0][1].size == 7 * 7 * 3 * 32 + 32
    assert all(np.isfinite(one).all() for _, one in found)


@pytest.mark.parametrize("missing", [1, 10, 40, 1000])
def test_a_file_that_ends_too_early(tmp_path: Path, missing: int) -> None:
    whole = find_weights(card("dlib_resnet")).read_bytes()
    end = whole.rindex(b"\x01\x04fc_2") + 30_000
    path = tmp_path / "short.dat"
    path.write_bytes(whole[: end - missing])
    with pytest.raises(ModelError, match=r"short\.dat: layer 59"):
        read_dlib(path)


@pytest.mark.parametrize("wrong", [b"", b"a text, not a network", b"\x08\x01\x12\x07pytorch"])
def test_a_file_of_another_kind(tmp_path: Path, wrong: bytes) -> None:
    path = tmp_path / "other.dat"
    path.write_bytes(wrong)
    with pytest.raises(ModelError, match="no layer found"):
        read_dlib(path)


@pytest.mark.parametrize(
    "after_name",
    [
        integer(3) + integer(1) * 4,  # another version
        integer(2) + integer(-5) + integer(1) * 3,  # a negative side
        integer(2) + b"\x7f" * 8,  # no integer
        integer(2) + integer(1),  # ends inside
        integer(2) + integer(2**40) * 4,  # larger than any file
    ],
)
def test_damaged_tensors(tmp_path: Path, after_name: bytes) -> None:
    path = tmp_path / "damaged.dat"
    path.write_bytes(text(CONVOLUTION) + after_name)
    with pytest.raises(ModelError, match="layer 1"):
        read_dlib(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_dlib(tmp_path / "none.dat")
