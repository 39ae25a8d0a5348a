"""Half precision is used where it gives the same vectors."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.embed.embedder_self_test import LEAST_COSINE, same_vectors

TURN = float(np.sqrt(1 - LEAST_COSINE**2))


@pytest.mark.parametrize(
    ("half", "same"),
    [
        ([[2, 0], [0, 5]], True),
        ([[1, 0.9 * TURN], [0, 1]], True),
        ([[1, 1.1 * TURN], [0, 1]], False),
        ([[1, 0], [0, -1]], False),
        ([[0, 0], [0, 1]], False),
        ([[np.nan, 0], [0, 1]], False),
    ],
    ids=["longer", "near", "far", "opposite", "no-length", "not-a-number"],
)
def test_the_same_vectors_point_the_same_way(half: list[list[float]], same: bool) -> None:
    assert same_vectors(np.eye(2, dtype=np.float32), np.array(half, np.float32)) is same
