from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.evaluate.discard import discard_curve
from lfr_ray.evaluate.samples import Samples


def spoiled(make_samples) -> tuple[Samples, np.ndarray]:
    """Every tenth picture is noise, and its quality says so."""
    samples = make_samples([5] * 60, noise=0.6)
    drawn = np.random.default_rng(2)
    vectors = samples.vectors.copy()
    quality = drawn.uniform(0.6, 1.0, len(vectors)).astype(np.float32)
    bad = np.arange(0, len(vectors), 10)
    noise = drawn.standard_normal((len(bad), vectors.shape[1])).astype(np.float32)
    vectors[bad] = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    quality[bad] = drawn.uniform(0.0, 0.2, len(bad))
    changed = Samples(samples.names, samples.identity, vectors, samples.reasons, samples.gate, quality)
    return changed, quality


def test_a_measure_that_knows_lowers_the_misses(make_samples):
    samples, quality = spoiled(make_samples)
    curve = discard_curve(samples, quality, 0.4)
    assert curve.shares[0] == 0
    assert curve.fnmr[0] > 0.15
    assert curve.fnmr[-1] < 0.05
    assert curve.gain > 0.4
    assert list(curve.quality) == sorted(curve.quality)


def test_a_random_measure_gains_nothing(make_samples):
    samples, _ = spoiled(make_samples)
    random = np.random.default_rng(9).random(len(samples.identity)).astype(np.float32)
    assert abs(discard_curve(samples, random, 0.4).gain) < 0.15


def test_the_start_of_the_curve_is_the_miss_rate(make_samples):
    samples = make_samples([3, 3], noise=1.0)
    curve = discard_curve(samples, samples.quality, 0.6)
    similarity = [
        float(samples.vectors[a] @ samples.vectors[b])
        for a in range(6)
        for b in range(a + 1, 6)
        if samples.identity[a] == samples.identity[b]
    ]
    assert curve.fnmr[0] == pytest.approx(np.mean(np.array(similarity) < 0.6))


def test_without_a_miss_there_is_no_curve(make_samples):
    samples = make_samples([3, 3], noise=0.1)
    assert discard_curve(samples, samples.quality, -1.0) is None
    assert discard_curve(make_samples([1, 1]), np.ones(2, np.float32), 0.5) is None
