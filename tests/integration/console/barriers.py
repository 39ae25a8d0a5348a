"""What axe finds on a page."""

from __future__ import annotations

from typing import Any

import pytest


def barriers(page: Any) -> list[str]:
    """Every barrier, with where it is."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (the test extra)")
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found]
