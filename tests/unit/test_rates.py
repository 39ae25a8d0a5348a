"""Exact intervals against the binomial itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from lfr_ray.stats import difference_p, rate, upper_bound


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
