"""Covered faces are measured both ways on the same pairs, and kept out of what is fitted for whole faces."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import ShapeError
from lfr_ray.evaluate.covered_faces import (
    AS_THEY_ARE,
    COVERED,
    LEAST_PICTURES,
    VIEWS,
    measure_covered,
    of_region,
    uncovered,
)
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.records import LOWER, UPPER

PEOPLE, LENGTH = 60, 32
FARS = (0.1, 0.01)


def units(raw: np.ndarray) -> np.ndarray:
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def made(masked: int = 20) -> Samples:
    """Two pictures a person; the second one of the first people wears a mask, which shifts it towards other masks."""
    random = np.random.default_rng(3)
    own = random.standard_normal((PEOPLE, LENGTH))
    identity = np.repeat(np.arange(PEOPLE), 2).astype(np.int64)
    raw = own[identity] + 0.4 * random.standard_normal((2 * PEOPLE, LENGTH))
    wears = (np.arange(2 * PEOPLE) % 2 == 1) & (identity < masked)
    plain = raw + 6.0 * wears[:, None] * np.eye(LENGTH)[0] + 1.5 * wears[:, None] * random.standard_normal(raw.shape)
    return Samples(
        tuple(f"p{number:03}" for number in range(PEOPLE)),
        identity,
        units(plain),
        ("",) * len(raw),
        ("",) * len(raw),
        np.ones(len(raw), np.float32),
        {LOWER: units(raw)},
        tuple(LOWER if one else "" for one in wears),
    )


def test_both_ways_see_the_same_pairs_and_the_better_one_shows() -> None:
    (found,) = measure_covered(made(), FARS, replicates=20)
    assert (found.region, found.pictures, found.people) == (LOWER, 20, 20)
    # 20 masked against 100 uncovered pictures, of which each masked person has one.
    assert (found.genuine, found.impostor) == (20, 20 * 99)
    rates = {name: [point.rate.value for point in points] for name, points in found.rows}
    assert rates[VIEWS][1] > rates[AS_THEY_ARE][1]


def test_too_few_covered_pictures_say_nothing() -> None:
    assert measure_covered(made(LEAST_PICTURES - 1), FARS) == ()
    assert len(measure_covered(made(LEAST_PICTURES), FARS, replicates=5)) == 1


def test_covered_pictures_do_not_count_for_whole_faces() -> None:
    samples = made()
    left = uncovered(samples)
    assert int(left.acquired.sum()) == 100
    assert set(left.reasons) == {"", COVERED}
    assert not left.vectors[~left.acquired].any()


def test_a_region_leaves_out_those_that_cover_the_other_half() -> None:
    samples = made()
    views = of_region(samples, LOWER)
    assert views.acquired.all()
    np.testing.assert_array_equal(views.vectors, samples.covered[LOWER])
    other = Samples(
        samples.names, samples.identity, samples.vectors, samples.reasons, samples.quality_faults, samples.quality,
        samples.covered, tuple(UPPER if one else None for one in samples.seen),
    )  # fmt: skip
    assert not of_region(other, LOWER).acquired.any()


def test_what_was_seen_goes_with_the_people() -> None:
    samples = made()
    few = samples.only(np.arange(PEOPLE) < 5)
    assert few.seen == samples.seen[:10]
    np.testing.assert_array_equal(few.covered[LOWER], samples.covered[LOWER][:10])
    with pytest.raises(ShapeError, match="seen"):
        Samples(
            samples.names, samples.identity, samples.vectors, samples.reasons, samples.quality_faults, samples.quality,
            samples.covered, samples.seen[1:],
        )  # fmt: skip
