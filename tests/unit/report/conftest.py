"""Reports are tested on the samples of evaluations."""

from __future__ import annotations

from tests.unit.evaluate.conftest import make_samples  # noqa: F401  (a fixture)
