"""The fits of a card, what follows from them, and the names of its keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.errors import ConfigError
from lfr_ray.models.card_calibration import GenuineFit, TailFit, probability_true
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.strict_yaml import parse_section


def tail(shape: float = -0.1, **change: float) -> TailFit:
    values = {"start": 0.5, "start_rate": 1e-2, "shape": shape, "scale": 0.03, "comparisons": 10**6, "p_value": 0.5}
    return TailFit(**{**values, **change})


GENUINE = GenuineFit(mean=1.2, sd=0.4, pairs=1000, identities=100)
TAIL = TailFit(start=0.3, start_rate=1e-2, shape=-0.05, scale=0.05, comparisons=10**7, p_value=0.5)


@given(shape=st.floats(-0.4, 0.4), exponent=st.floats(-9, -2.001))
@settings(deadline=None)
def test_rate_and_similarity_are_inverse(shape, exponent):
    fit = tail(shape, scale=0.005)
    similarity = fit.similarity_at(10**exponent)
    if similarity < 1.0:
        assert fit.rate_at(similarity) == pytest.approx(10**exponent, rel=1e-6)


def test_beyond_the_end_of_a_bounded_tail_nothing_is_expected():
    assert tail(-0.1).rate_at(0.5 + 0.03 / 0.1 + 0.01) == 0.0
    assert tail(-0.1).density_at(0.9) == 0.0


def test_density_is_the_slope_of_the_rate():
    fit = tail(-0.15)
    for similarity in (0.51, 0.55, 0.6):
        step = 1e-6
        slope = (fit.rate_at(similarity) - fit.rate_at(similarity + step)) / step
        assert fit.density_at(similarity) == pytest.approx(slope, rel=1e-3)


def test_extrapolation_is_marked():
    fit = tail()
    assert fit.extrapolates(9e-6)
    assert not fit.extrapolates(1.1e-5)


def test_a_rate_above_the_start_takes_the_start():
    fit = tail()
    assert fit.similarity_at(0.5) == fit.start
    assert fit.rate_at(0.1) == fit.start_rate


def test_similarity_never_exceeds_one():
    assert tail(0.3).similarity_at(1e-12) == 1.0
    assert tail(0.0, scale=0.2).similarity_at(1e-12) == 1.0


def test_density_and_distribution_agree():
    grid = np.linspace(-3, 0.999, 40_001)
    density = np.array([GENUINE.density_at(float(one)) for one in grid])
    below = np.cumsum(density) * (grid[1] - grid[0])
    for similarity in (0.4, 0.6, 0.8, 0.95):
        assert GENUINE.miss_rate_at(similarity) == pytest.approx(below[np.searchsorted(grid, similarity)], abs=2e-3)


def test_more_similar_is_more_probable_and_longer_lists_less():
    def stated(similarity: float, size: int = 500, base: float = 1e-3) -> float:
        return probability_true(GENUINE, TAIL, similarity, list_size=size, base_rate=base)

    steps = [stated(similarity) for similarity in np.linspace(0.3, 1.0, 200)]
    assert steps == sorted(steps)
    assert stated(0.5) < stated(0.6) < stated(0.7) < stated(0.8)
    assert stated(0.6, size=10_000) < stated(0.6, size=500)
    assert stated(0.6, base=1e-5) < stated(0.6, base=1e-3)
    assert 0 <= stated(0.31) < 0.01
    assert 0.9 < stated(0.9) == stated(1.0) < 1.0


def test_doubles_bound_the_certainty():
    """Even where the tail ends, a million comparisons cannot prove more than a million to one."""
    short = TailFit(start=0.3, start_rate=1e-2, shape=-0.4, scale=0.05, comparisons=10**6, p_value=0.5)
    stated = probability_true(GENUINE, short, 0.8, list_size=10_000, base_rate=1e-4)
    assert stated == pytest.approx(1e-4 * 1e6 / (1e-4 * 1e6 + 1e4), rel=1e-2)


def test_below_the_start_the_value_at_the_start():
    at_start = probability_true(GENUINE, TAIL, TAIL.start, list_size=500, base_rate=0.01)
    assert probability_true(GENUINE, TAIL, -0.5, list_size=500, base_rate=0.01) == at_start


def test_simulated_alerts_come_true_as_often_as_stated():
    """Draw passers-by from the model itself: of alerts stated at about p, about p must be right."""
    drawn = np.random.default_rng(3)
    size, base, faces = 50, 0.05, 60_000
    listed = drawn.random(faces) < base
    own = 1 - np.exp(-drawn.normal(GENUINE.mean, GENUINE.sd, faces))
    wrong = np.array([TAIL.similarity_at(1 - one ** (1 / (size - 1))) for one in drawn.random(faces)])
    stranger = np.array([TAIL.similarity_at(1 - one ** (1 / size)) for one in drawn.random(faces)])
    top = np.where(listed, np.maximum(own, wrong), stranger)
    right = listed & (own > wrong)
    judged = top > TAIL.start
    stated = np.array([probability_true(GENUINE, TAIL, float(s), list_size=size, base_rate=base) for s in top[judged]])
    for low, high in ((0.0, 0.2), (0.2, 0.6), (0.6, 0.95), (0.95, 1.0)):
        inside = (stated >= low) & (stated <= high)
        assert inside.sum() > 30
        error = np.sqrt(0.25 / inside.sum()) * 3
        assert right[judged][inside].mean() == pytest.approx(stated[inside].mean(), abs=max(0.03, error))


@pytest.mark.parametrize(("size", "base"), [(0, 0.1), (5, 0.0), (5, 1.0), (5, -1.0)])
def test_impossible_lists_and_rates_are_refused(size, base):
    with pytest.raises(ConfigError, match="impossible"):
        probability_true(GENUINE, TAIL, 0.5, list_size=size, base_rate=base)


def test_a_card_with_the_old_key_is_told_the_new_one():
    known = card("dlib_resnet").model_dump(mode="json")
    rule = known["calibration"].pop("score_norm")
    with pytest.raises(ConfigError, match="rename calibration -> neighbourhood to score_norm"):
        parse_section(ModelCard, known | {"calibration": {**known["calibration"], "neighbourhood": rule}}, "mine.yaml")
