from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.stats import (
    UNKNOWN,
    Interval,
    clopper_pearson,
    identity_weights,
    percentile_interval,
    rounded,
    share,
)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Textbook values (Clopper and Pearson 1934; Met 2024-25: 8 of 10).
    [(8, 10, 0.4439, 0.9748), (0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (5, 100, 0.0164, 0.1128)],
)
def test_clopper_pearson(count, of, low, high):
    interval = clopper_pearson(count, of)
    assert interval.value == count / of
    assert interval.low == pytest.approx(low, abs=1e-4)
    assert interval.high == pytest.approx(high, abs=1e-4)


def test_nothing_measured_is_unknown():
    assert clopper_pearson(0, 0) == UNKNOWN
    assert percentile_interval(None, np.ones(3), 3) == UNKNOWN
    assert UNKNOWN.document() == {"value": None, "low": None, "high": None}


def test_weights_are_draws_with_replacement_and_seeded():
    weights = identity_weights(50, 200, seed=4)
    assert weights.shape == (200, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.max() > 1
    np.testing.assert_array_equal(weights, identity_weights(50, 200, seed=4))
    assert (weights != identity_weights(50, 200, seed=5)).any()


def test_a_bootstrap_without_variation_falls_back_to_people():
    interval = percentile_interval(1.0, np.ones(100), 20)
    assert interval.low == pytest.approx(clopper_pearson(20, 20).low)
    assert interval.high == 1.0
    nearly = percentile_interval(1.0, np.append(np.ones(999), 0.9), 20)
    assert nearly == interval
    never = percentile_interval(0.0, np.zeros(100), 20)
    assert never.low == 0.0
    assert never.high == pytest.approx(clopper_pearson(0, 20).high)


def test_percentiles_ignore_empty_replicates_and_hold_the_value():
    replicates = np.concatenate([np.linspace(0, 1, 1001), [np.nan] * 10])
    interval = percentile_interval(0.5, replicates, 10)
    assert (interval.low, interval.high) == (pytest.approx(0.025), pytest.approx(0.975))
    assert percentile_interval(1.5, replicates, 10).high == 1.5
    assert percentile_interval(0.5, np.array([np.nan]), 10) == Interval(0.5, None, None)


def test_share_of_nothing_is_unknown():
    np.testing.assert_array_equal(np.isnan(share(np.array([0.0, 1.0]), np.array([0.0, 2.0]))), [True, False])


def test_six_digits():
    assert rounded(1 / 3) == 0.333333
    assert rounded(None) is None
