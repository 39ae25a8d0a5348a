"""What `make install` says before it begins, where the machine lacks something."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


@pytest.mark.parametrize(
    ("asked", "packages"), [("ensurepip", ("python3-venv",)), ("libGL.so.1", ("libgl1", "libglib2.0-0"))]
)
def test_what_the_machine_lacks_is_named_before_anything_is_installed(
    repository: Path, tmp_path: Path, asked: str, packages: tuple[str, ...]
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *{asked}*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    made = tmp_path / "venv"
    words = ["make", f"VENV={made}", f"PYTHON={python}", f"{made}/bin/python"]
    outcome = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    (told,) = [line for line in outcome.stderr.splitlines() if line.startswith("error: ")]
    for package in packages:
        assert package in told
        assert f" {package}" in (repository / ".ci" / "run").read_text(encoding="utf-8").replace("(", " ")
        assert package in (repository / "README.md").read_text(encoding="utf-8")
    assert not made.exists()
