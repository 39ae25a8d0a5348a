"""What every test shares: where real pictures lie, and a count of what was skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for variable, value in {
    "RAY_USAGE_STATS_ENABLED": "0",
    "YOLO_AUTOINSTALL": "False",
    "YOLO_OFFLINE": "True",
    "HF_HUB_OFFLINE": "1",
    "LFR_ENV": "test",
}.items():
    os.environ.setdefault(variable, value)

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LFR_SHARED", REPOSITORY.parent / "shared"))


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no {name} folder beside the checkout (set LFR_SHARED to the folder that holds it)")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures and clips; the test is skipped by name where they are not."""
    return _folder("data")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Real model files; the test is skipped by name where they are not."""
    return _folder("models")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY
