"""Waiting for a page."""

from __future__ import annotations

from typing import Any

from tests.processes import eventually


def until(page: Any, condition: str) -> None:
    """Asked again from here: the page's policy lets nobody, Playwright's own waiting included, evaluate a text."""
    eventually(lambda: page.evaluate(condition), 30.0, lambda: condition)
