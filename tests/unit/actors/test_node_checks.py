"""What a node says of itself before a site starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray import __version__
from lfr_ray.actors.node_checks import node_fault
from lfr_ray.models.weight_files import FOLDER_VARIABLE


def test_another_version_is_named() -> None:
    assert node_fault("0.0.1", []) == f"lfr_ray {__version__}"
    assert node_fault(__version__, []) == ""


def test_a_missing_weight_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    file = tmp_path / "mine.onnx"
    assert "centerface" in node_fault(__version__, [("centerface", file)])
    file.write_bytes(b"weights")
    assert node_fault(__version__, [("centerface", file), ("simulated-detector-5", None)]) == ""
