"""Fitting a generalised Pareto distribution to what exceeds a start, many samples at once.

Of the two parameters one can be eliminated (Grimshaw 1993): with ``theta = shape / scale`` the best
shape is the mean of ``log(1 + theta * x)``, so that a search over ``theta`` alone finds the maximum of the
likelihood. All functions take samples as rows and are vectorised over them, because the goodness of fit needs
hundreds of fits.
"""

from __future__ import annotations

import numpy as np

from lfr_ray.stats import Doubles

LEAST_SHAPE = -0.5
"""Below it the likelihood is not regular, and an end just above the largest sample would always win."""
GRID = 60
GOLDEN_STEPS = 28
GOLDEN = (5**0.5 - 1) / 2
LARGEST_THETA = 1e5
CLOSEST_TO_END = 1e-4
TINY = 1e-7


def fit_pareto(excess: Doubles, weights: Doubles | None = None) -> tuple[Doubles, Doubles]:
    """Shape and scale of each row.

    Args:
        excess: ``float64 (rows, n)``, positive.
        weights: ``float64 (rows, n)``; None: all equal. One row of ``excess`` may serve many of weights.

    Returns:
        Shape and scale, ``float64 (rows,)`` each.
    """
    unit = excess.max(axis=1)
    scaled = excess / unit[:, None]
    rows = len(scaled) if weights is None else len(weights)
    # A symmetric-log grid from the end of the support (-1 in units of the largest sample) to heavy tails.
    near_end = -1 + np.geomspace(CLOSEST_TO_END, 1 - 1e-3, GRID // 2)
    grid = np.concatenate([near_end, np.geomspace(1e-3, LARGEST_THETA, GRID // 2)])
    likelihood = np.stack([_profile(scaled, np.full(rows, theta), weights)[0] for theta in grid])
    best = np.clip(likelihood.argmax(axis=0), 1, len(grid) - 2)
    low, high = grid[best - 1], grid[best + 1]
    theta = _golden(scaled, weights, low, high)
    _, shape = _profile(scaled, theta, weights)
    small = np.abs(theta) < TINY
    mean = _mean(scaled, weights)
    scale = np.where(small, mean, shape / np.where(small, 1.0, theta))
    return np.where(small, 0.0, shape), scale * unit


def draw_pareto(generator: np.random.Generator, shape: float, scale: float, size: tuple[int, int]) -> Doubles:
    """Random excesses: the inverse of the distribution function at uniform numbers."""
    exponential = generator.standard_exponential(size)
    if abs(shape) < 1e-9:
        return scale * exponential
    return scale * np.expm1(shape * exponential) / shape


def anderson_darling(excess: Doubles, shape: Doubles, scale: Doubles) -> Doubles:
    """Distance between sample and fit that weighs the ends, where thresholds lie: ``float64 (rows,)``."""
    from scipy.stats import genpareto  # a second to load, and only evaluations ask

    uniform = genpareto.cdf(np.sort(excess, axis=1), shape[:, None], scale=scale[:, None]).clip(1e-12, 1 - 1e-12)
    count = uniform.shape[1]
    odd = 2 * np.arange(1, count + 1) - 1
    return np.asarray(-count - ((np.log(uniform) + np.log1p(-uniform[:, ::-1])) * odd).sum(axis=1) / count, np.float64)


def fit_quality(excess: Doubles, generator: np.random.Generator, replicates: int = 199) -> float:
    """p-value of the fit to ``float64 (n,)`` by parametric bootstrap.

    Samples from the fit are fitted and measured the same way.
    """
    shape, scale = fit_pareto(excess[None])
    observed = float(anderson_darling(excess[None], shape, scale)[0])
    drawn = draw_pareto(generator, float(shape[0]), float(scale[0]), (replicates, len(excess)))
    drawn_shape, drawn_scale = fit_pareto(drawn)
    larger = int((anderson_darling(drawn, drawn_shape, drawn_scale) >= observed).sum())
    return (1 + larger) / (1 + replicates)


def _mean(values: Doubles, weights: Doubles | None) -> Doubles:
    if weights is None:
        return np.asarray(values.mean(axis=1), np.float64)
    return np.asarray((values * weights).sum(axis=1) / weights.sum(axis=1), np.float64)


def _profile(scaled: Doubles, theta: Doubles, weights: Doubles | None) -> tuple[Doubles, Doubles]:
    """Mean log-likelihood at each row's theta, and the shape that goes with it."""
    shape = _mean(np.log1p(theta[:, None] * scaled), weights)
    small = np.abs(theta) < TINY
    safe_theta = np.where(small, 1.0, theta)
    ratio = np.where(small, _mean(scaled, weights), np.where(small, 1.0, shape) / safe_theta)
    likelihood = -np.log(np.maximum(ratio, 1e-300)) - shape - 1
    return np.where(shape < LEAST_SHAPE, -np.inf, likelihood), shape


def _golden(scaled: Doubles, weights: Doubles | None, low: Doubles, high: Doubles) -> Doubles:
    """Golden-section search of the maximum between the bounds, all rows together."""
    for _ in range(GOLDEN_STEPS):
        width = high - low
        left, right = high - GOLDEN * width, low + GOLDEN * width
        rising = _profile(scaled, left, weights)[0] < _profile(scaled, right, weights)[0]
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    return (low + high) / 2
