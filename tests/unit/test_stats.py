"""Exact intervals against the binomial itself; bootstrap intervals against what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from lfr_ray.stats import (
    UNKNOWN,
    Interval,
    clopper_pearson,
    difference_p,
    identity_weights,
    percentile_interval,
    poisson_rate,
    rate,
    rounded,
    share,
    upper_bound,
)


@settings(deadline=None)
@given(of=st.integers(1, 5000), share=st.floats(0, 1))
def test_the_interval_is_exact(of: int, share: float) -> None:
    count = round(share * of)
    one = rate(count, of)
    assert one.value is not None
    assert 0 <= one.low <= one.value <= one.high <= 1
    if count:
        assert binom.sf(count - 1, of, one.low) == pytest.approx(0.025, rel=1e-6)
    if count < of:
        assert binom.cdf(count, of, one.high) == pytest.approx(0.025, rel=1e-6)


@settings(deadline=None)
@given(count=st.integers(0, 20), more=st.integers(0, 3000), faces=st.integers(1, 1000))
def test_the_upper_bound_falls_with_faces_and_rises_with_false_alerts(count: int, more: int, faces: int) -> None:
    of = count + faces
    assert upper_bound(count, of + more) <= upper_bound(count, of)
    assert upper_bound(count, of) <= upper_bound(min(count + 1, of), of)


def test_known_values() -> None:
    met = rate(10, 3_147_436)
    assert (met.low, met.high) == pytest.approx((1.5e-6, 5.8e-6), rel=0.03)
    assert upper_bound(0, 3000) < 0.001 < upper_bound(0, 2990)
    assert rate(8, 10).low == pytest.approx(0.44, abs=0.005)


def test_nothing_counted_is_no_rate() -> None:
    none = rate(0, 0)
    assert none.value is None
    assert (none.low, none.high) == (0.0, 1.0)
    for count, of in ((1, 0), (-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="0 <= count <= of"):
            rate(count, of)


def test_a_difference_that_is_none() -> None:
    assert difference_p(5, 10, 5, 10) == pytest.approx(1.0)
    assert difference_p(60, 100, 46, 100) == pytest.approx(0.066, abs=0.003)


def test_events_by_time_have_the_poisson_interval() -> None:
    found = poisson_rate(3, 2.0)
    assert found.value == 1.5
    assert found.low == pytest.approx(chi2.ppf(0.025, 6) / 4)
    assert found.high == pytest.approx(chi2.ppf(0.975, 8) / 4)
    assert poisson_rate(0, 0.0) == UNKNOWN


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
