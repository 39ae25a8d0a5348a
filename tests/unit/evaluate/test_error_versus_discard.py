from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality import gate_at
from lfr_ray.evaluate.error_versus_discard import discard_curve
from lfr_ray.evaluate.labelled_samples import Samples


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
    changed = Samples(samples.names, samples.identity, vectors, samples.reasons, samples.quality_faults, quality)
    return changed, quality


def test_a_measure_that_knows_lowers_the_misses(make_samples):
    samples, quality = spoiled(make_samples)
    curve = discard_curve(samples, quality, 0.4)
    assert curve.shares[0] == 0
    assert curve.fnmr[0] > 0.15
    assert curve.fnmr[-1] < 0.05
    assert curve.gain > 0.4


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


def test_a_gate_stands_where_misses_become_usual() -> None:
    random = np.random.default_rng(1)
    quality = random.uniform(0, 100, 4000).astype(np.float32)
    missed = random.random(4000) < np.where(quality < 30, 0.5, 0.05)
    at = gate_at(quality, missed)
    assert at is not None
    assert 28 < at < 32
    rest = missed[quality >= at].mean()
    assert rest < 0.06


def test_where_misses_do_not_depend_on_the_measure_there_is_no_gate() -> None:
    random = np.random.default_rng(2)
    quality = random.uniform(0, 1, 4000).astype(np.float32)
    assert gate_at(quality, random.random(4000) < 0.1) is None


def test_a_few_unlucky_views_make_no_gate() -> None:
    quality = np.arange(100, dtype=np.float32)
    missed = np.zeros(100, bool)
    missed[[0, 60, 90]] = True
    assert gate_at(quality, missed) is None, "one of the five lowest is chance"


def test_a_gate_that_would_remove_next_to_nothing_is_none() -> None:
    random = np.random.default_rng(3)
    quality = np.arange(20_000, dtype=np.float32)
    missed = random.random(20_000) < np.where(quality < 1000, 0.25, 0.1)
    assert gate_at(quality, missed) is None, "a twentieth of the views holds an eighth of the misses"


def test_no_view_no_gate() -> None:
    assert gate_at(np.zeros(0, np.float32), np.zeros(0, bool)) is None
    assert gate_at(np.arange(50, dtype=np.float32), np.ones(50, bool)) is None, "all are as bad"
