from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.errors import ConfigError
from lfr_ray.models.cards import TailFit
from lfr_ray.models.tail import (
    CEILING_PER_10K,
    comparison_rate,
    false_match_density,
    false_match_rate,
    is_extrapolated,
    similarity_at,
    threshold_for,
)


def tail(shape: float = -0.1, **change: float) -> TailFit:
    values = {"start": 0.5, "start_rate": 1e-2, "shape": shape, "scale": 0.03, "comparisons": 10**6, "p_value": 0.5}
    return TailFit(**{**values, **change})


@given(shape=st.floats(-0.4, 0.4), exponent=st.floats(-9, -2.001))
@settings(deadline=None)
def test_rate_and_similarity_are_inverse(shape, exponent):
    fit = tail(shape, scale=0.005)
    similarity = similarity_at(fit, 10**exponent)
    if similarity < 1.0:
        assert false_match_rate(fit, similarity) == pytest.approx(10**exponent, rel=1e-6)


def test_beyond_the_end_of_a_bounded_tail_nothing_is_expected():
    assert false_match_rate(tail(-0.1), 0.5 + 0.03 / 0.1 + 0.01) == 0.0
    assert false_match_density(tail(-0.1), 0.9) == 0.0


def test_density_is_the_slope_of_the_rate():
    fit = tail(-0.15)
    for similarity in (0.51, 0.55, 0.6):
        step = 1e-6
        slope = (false_match_rate(fit, similarity) - false_match_rate(fit, similarity + step)) / step
        assert false_match_density(fit, similarity) == pytest.approx(slope, rel=1e-3)


def test_published_pair_of_figures():
    """NPL 2023: one false positive in 6,000 with 10,000 entries, one in 60,000 with 1,000: linear in the list."""
    assert comparison_rate(10_000, 1e4 / 6_000) == pytest.approx(1.67e-8, rel=1e-2)
    assert comparison_rate(1_000, 1e4 / 60_000) == pytest.approx(comparison_rate(10_000, 1e4 / 6_000), rel=1e-3)


def test_a_longer_list_and_fewer_alerts_need_more():
    fit = tail()
    short, long = threshold_for(fit, 500, 1), threshold_for(fit, 10_000, 1)
    assert long.similarity > short.similarity > threshold_for(fit, 500, 5).similarity
    assert short.false_alerts_per_10k_faces == pytest.approx(1, rel=1e-6)
    assert short.comparison_rate == pytest.approx(2e-7, rel=1e-3)


def test_the_floor_cannot_be_passed():
    fit = tail()
    asked = threshold_for(fit, 1000, 500)
    assert asked.at_floor
    assert asked.similarity == asked.floor == threshold_for(fit, 1000, CEILING_PER_10K).similarity
    assert asked.false_alerts_per_10k_faces == pytest.approx(CEILING_PER_10K, rel=1e-6)
    assert not threshold_for(fit, 1000, CEILING_PER_10K).at_floor


def test_extrapolation_is_marked():
    fit = tail()
    assert is_extrapolated(fit, 9e-6)
    assert not is_extrapolated(fit, 1.1e-5)
    assert threshold_for(fit, 500, 1).extrapolated
    assert not threshold_for(fit, 10, 10).extrapolated


def test_a_rate_above_the_start_takes_the_start():
    fit = tail()
    assert similarity_at(fit, 0.5) == fit.start
    assert false_match_rate(fit, 0.1) == fit.start_rate


def test_similarity_never_exceeds_one():
    assert similarity_at(tail(0.3), 1e-12) == 1.0
    assert similarity_at(tail(0.0, scale=0.2), 1e-12) == 1.0


@pytest.mark.parametrize(("size", "alerts"), [(0, 1.0), (-3, 1.0), (10, 0.0), (10, 10_000.0), (10, math.inf)])
def test_impossible_lists_are_refused(size, alerts):
    with pytest.raises(ConfigError, match="impossible"):
        comparison_rate(size, alerts)
