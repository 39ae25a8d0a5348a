from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import genpareto

from lfr_ray.evaluate.pareto_fit import anderson_darling, draw_pareto, fit_pareto, fit_quality


@pytest.mark.parametrize("shape", [-0.3, -0.1, 0.0, 0.2, 0.6])
def test_the_fit_is_the_maximum_of_the_likelihood(shape):
    sample = genpareto.rvs(shape, scale=0.006, size=2000, random_state=5)
    found_shape, found_scale = fit_pareto(sample[None])
    ours = genpareto.logpdf(sample, found_shape[0], scale=found_scale[0]).sum()
    theirs_shape, _, theirs_scale = genpareto.fit(sample, floc=0)
    theirs = genpareto.logpdf(sample, theirs_shape, scale=theirs_scale).sum()
    assert ours >= theirs - 1e-3
    assert found_shape[0] == pytest.approx(shape, abs=0.1)
    assert found_scale[0] == pytest.approx(0.006, rel=0.15)


def test_rows_are_fitted_independently():
    drawn = np.random.default_rng(1)
    rows = np.concatenate([draw_pareto(drawn, -0.2, 1.0, (1, 500)), draw_pareto(drawn, 0.1, 3.0, (1, 500))])
    together = fit_pareto(rows)
    for number in range(2):
        alone = fit_pareto(rows[number : number + 1])
        assert together[0][number] == pytest.approx(alone[0][0], abs=1e-6)
        assert together[1][number] == pytest.approx(alone[1][0], rel=1e-6)


def test_weights_are_repetitions():
    sample = draw_pareto(np.random.default_rng(2), -0.1, 1.0, (1, 300))
    weights = np.random.default_rng(3).integers(0, 4, (1, 300)).astype(float)
    repeated = np.repeat(sample[0], weights[0].astype(int))[None]
    by_weight, by_copies = fit_pareto(sample, weights), fit_pareto(repeated)
    assert by_weight[0][0] == pytest.approx(by_copies[0][0], abs=1e-4)
    assert by_weight[1][0] == pytest.approx(by_copies[1][0], rel=1e-4)


def test_draws_agree_with_scipy():
    sample = np.sort(draw_pareto(np.random.default_rng(4), -0.2, 1.0, (1, 20_000))[0])
    assert np.quantile(sample, 0.9) == pytest.approx(genpareto.ppf(0.9, -0.2), rel=0.03)


def test_the_quality_tells_good_from_bad():
    drawn = np.random.default_rng(6)
    good = [fit_quality(draw_pareto(drawn, -0.1, 1.0, (1, 400))[0], drawn, 99) for _ in range(20)]
    assert np.mean(good) > 0.25
    assert min(good) < 0.8, "p-values of true fits must spread"
    two_humps = np.concatenate([drawn.normal(1.0, 0.05, 300), drawn.normal(3.0, 0.05, 300)])
    assert fit_quality(np.abs(two_humps), drawn, 99) <= 0.02


def test_anderson_darling_of_a_uniform_grid_is_small():
    grid = -np.log1p(-(np.arange(1, 200) / 200))
    assert anderson_darling(grid[None], np.zeros(1), np.ones(1))[0] < 0.1
    assert anderson_darling(3 * grid[None], np.zeros(1), np.ones(1))[0] > 5
