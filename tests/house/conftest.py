"""What the tests about the repository itself share: its files, and its project table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

UNTRACKED_FOLDERS = {".git", ".venv", "build", "dist", "lfr-data", "__pycache__"}


@pytest.fixture(scope="session")
def files(repository: Path) -> list[Path]:
    """Every file that is in the repository or would be added by a commit, as absolute paths."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [repository / name for name in listed.stdout.decode().split("\0") if name]
    else:  # a source archive without git
        paths = [
            path
            for path in repository.rglob("*")
            if not any(part in UNTRACKED_FOLDERS or part.startswith(".") for part in path.relative_to(repository).parts)
        ]
    found = [path for path in paths if path.is_file()]
    assert len(found) > 20, "the list of files is implausibly short"
    return found


@pytest.fixture(scope="session")
def sources(repository: Path) -> list[Path]:
    """Every Python file of the package."""
    found = sorted((repository / "lfr_ray").rglob("*.py"))
    assert found
    return found


@pytest.fixture(scope="session")
def project(repository: Path) -> dict[str, Any]:
    """pyproject.toml as a tree."""
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
