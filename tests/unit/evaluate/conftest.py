"""Made people: a centre on the sphere for each, and pictures around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lfr_ray.evaluate.labelled_samples import Samples

MakeSamples = Callable[..., Samples]


def made_samples(
    pictures: list[int],
    *,
    noise: float = 0.5,
    length: int = 32,
    seed: int = 1,
    failed: dict[int, str] | None = None,
    gate: dict[int, str] | None = None,
) -> Samples:
    """``pictures[i]`` pictures of identity i; rows of ``failed`` gave no vector, for that reason."""
    drawn = np.random.default_rng(seed)
    identity = np.repeat(np.arange(len(pictures)), pictures).astype(np.int64)
    centres = drawn.standard_normal((len(pictures), length))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = centres[identity] + noise / np.sqrt(length) * drawn.standard_normal((len(identity), length))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    reasons = ["" for _ in identity]
    for row, reason in (failed or {}).items():
        reasons[row] = reason
        vectors[row] = 0
    gates = ["" for _ in identity]
    for row, reason in (gate or {}).items():
        gates[row] = reason
    quality = drawn.uniform(0.2, 1.0, len(identity)).astype(np.float32)
    names = tuple(f"person_{number:04d}" for number in range(len(pictures)))
    return Samples(names, identity, vectors, tuple(reasons), tuple(gates), quality)


@pytest.fixture(scope="session")
def make_samples() -> MakeSamples:
    """The maker of people."""
    return made_samples
