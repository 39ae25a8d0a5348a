"""Detectors in ONNX files that see one face in every red picture: made by hand, in each family's own format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard

Array = np.ndarray[Any, Any]

BOX = np.array([16, 8, 48, 40], np.float32)
POINTS = np.array([[24, 18], [40, 19], [33, 26], [26, 33], [38, 34]], np.float32)
SIDE_PX = 64


class RedFace:
    """The face that the files below see: in a 64 pixels wide and high picture, as surely as the picture is red."""

    box = BOX
    points = POINTS
    side_px = SIDE_PX

    @staticmethod
    def pictures(*colours: tuple[int, int, int]) -> Array:
        """Pictures of one colour each."""
        return np.array(colours, np.uint8)[:, None, None, :].repeat(SIDE_PX, 1).repeat(SIDE_PX, 2)

    @staticmethod
    def card_for(known: str, path: Path, **changes: Any) -> ModelCard:
        """A card of the zoo, made to vouch for this file."""
        return card(known).model_copy(
            update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "git_blob": "", **changes}
        )

    @staticmethod
    def save(path: Path, planted: dict[str, Array], score: str, *, flat: bool = False, fixed: bool = True) -> Path:
        """An ONNX file whose outputs are the planted values; those whose name begins with ``score`` times redness.

        The first of the file's three channels counts as red. ``flat`` drops the batch axis, as SCRFD's files do.
        """
        kernel = np.zeros((1, 3, 1, 1), np.float32)
        kernel[0, 0] = 1 / 255
        weights = {"kernel": kernel, "zero": np.zeros(1, np.float32), "one_each": np.array([-1, 1, 1], np.int64)}
        nodes = [
            helper.make_node("Conv", ["input", "kernel"], ["red"]),
            helper.make_node("GlobalAveragePool", ["red"], ["mean"]),
            helper.make_node("Reshape", ["mean", "one_each"], ["share"]),
            helper.make_node("Mul", ["share", "zero"], ["nothing"]),
        ]
        for name, values in planted.items():
            weights[f"{name}_planted"] = values[None].astype(np.float32)
            kind, other = ("Mul", "share") if name.startswith(score) else ("Add", "nothing")
            result = f"{name}_whole" if flat else name
            nodes.append(helper.make_node(kind, [other, f"{name}_planted"], [result]))
            if flat:
                weights[f"{name}_shape"] = np.array([-1, values.shape[-1]], np.int64)
                nodes.append(helper.make_node("Reshape", [result, f"{name}_shape"], [name]))
        sides = [SIDE_PX, SIDE_PX] if fixed else ["height", "width"]
        graph = helper.make_graph(
            nodes,
            "red face",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, *sides])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in planted],
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, str(path))
        return path


@pytest.fixture
def red_face() -> type[RedFace]:
    return RedFace


@pytest.fixture
def one_of() -> Callable[..., Array]:
    def make(count: int, row: int, values: Any) -> Array:
        """``(count, width)`` zeros, and the values in one row."""
        planted = np.zeros((count, np.size(values)), np.float32)
        planted[row] = np.ravel(values)
        return planted

    return make
