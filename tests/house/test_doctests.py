"""The examples in the docstrings of floors 0 to 5 are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lfr_ray"
UPPER_FLOORS = {"actors", "api", "app", "cli", "console", "pipeline", "retrospective_run", "site_start_stop"}


def modules() -> list[str]:
    """Every module below the floors that need Ray or a server."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[1] not in UPPER_FLOORS and ">>> " in path.read_text(encoding="utf-8"):
            found.append(".".join(parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize("name", modules())
def test_examples_are_true(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0, "see the captured output"


def test_there_are_examples() -> None:
    assert {"lfr_ray.array_checks", "lfr_ray.clock", "lfr_ray.metrics"} <= set(modules())
