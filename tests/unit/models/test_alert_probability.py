from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import ConfigError
from lfr_ray.models.alert_probability import genuine_below, genuine_density, probability_true
from lfr_ray.models.cards import GenuineFit, TailFit
from lfr_ray.models.tail import similarity_at

GENUINE = GenuineFit(mean=1.2, sd=0.4, pairs=1000, identities=100)
TAIL = TailFit(start=0.3, start_rate=1e-2, shape=-0.05, scale=0.05, comparisons=10**7, p_value=0.5)


def test_density_and_distribution_agree():
    grid = np.linspace(-3, 0.999, 40_001)
    density = np.array([genuine_density(GENUINE, float(one)) for one in grid])
    below = np.cumsum(density) * (grid[1] - grid[0])
    for similarity in (0.4, 0.6, 0.8, 0.95):
        assert genuine_below(GENUINE, similarity) == pytest.approx(below[np.searchsorted(grid, similarity)], abs=2e-3)


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
    wrong = np.array([similarity_at(TAIL, 1 - one ** (1 / (size - 1))) for one in drawn.random(faces)])
    stranger = np.array([similarity_at(TAIL, 1 - one ** (1 / size)) for one in drawn.random(faces)])
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
