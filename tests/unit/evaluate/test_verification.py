from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.errors import ShapeError
from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.verification import (
    count_at,
    det_curve,
    tar_at_far,
    tar_of_attempts,
    threshold_at,
)


@given(
    values=st.lists(st.integers(-20, 20), min_size=1, max_size=60),
    target=st.floats(0, 0.999),
)
@settings(deadline=None)
def test_the_threshold_is_the_smallest_that_keeps_the_target(values, target):
    descending = np.sort(np.array(values, np.float32) / 20)[::-1]
    threshold = threshold_at(descending, len(descending), target)
    assert count_at(descending, threshold) <= target * len(descending) + 1e-9
    lower = np.nextafter(np.float32(threshold), np.float32(-np.inf))
    assert count_at(descending, float(lower)) > target * len(descending) - 1e-9 or lower < descending.min()


def test_equal_similarities_are_accepted_or_refused_together():
    descending = np.array([0.9, 0.8, 0.8, 0.8, 0.1], np.float32)
    threshold = threshold_at(descending, 5, 0.4)  # two allowed, but three are equal: one is accepted
    assert count_at(descending, threshold) == 1
    assert threshold > np.float32(0.8)


def test_a_tail_that_is_too_short_is_refused():
    with pytest.raises(ShapeError, match="too few impostor"):
        threshold_at(np.array([0.9, 0.8], np.float32), 1000, 0.01)


def test_known_figures_by_hand(make_samples):
    samples = make_samples([3, 2, 4, 1, 3], noise=1.0)
    pairs = compare_all(samples)
    point = tar_at_far(pairs, (0.1,), replicates=50)[0]
    allowed = int(0.1 * len(pairs.impostor))
    assert point.accepted == allowed == (pairs.impostor >= point.threshold).sum()
    assert point.rate.value == (pairs.genuine >= point.threshold).mean()
    assert point.rate.low <= point.rate.value <= point.rate.high
    assert point.resolved


def test_too_few_pairs_for_a_rate_are_marked(make_samples):
    pairs = compare_all(make_samples([2, 2]))
    point = tar_at_far(pairs, (0.001,), replicates=50)[0]
    assert not point.resolved
    assert point.accepted == 0
    assert point.threshold > pairs.impostor[0]


def test_replicates_find_the_threshold_as_copies_of_the_people_would(make_samples):
    """A weight of two must act like a second copy of that person whose pairs with the first are left out."""
    samples = make_samples([3, 2, 3, 2], noise=1.2)
    pairs = compare_all(samples)
    weight = np.array([2, 0, 1, 1])
    copies = np.concatenate([np.repeat(np.arange(len(samples.identity)), weight[samples.identity])])
    genuine, impostor = [], []
    for a in range(len(copies)):
        for b in range(a + 1, len(copies)):
            left, right = copies[a], copies[b]
            value = float(samples.vectors[left] @ samples.vectors[right])
            if samples.identity[left] != samples.identity[right]:
                impostor.append(value)
    rows = np.arange(len(samples.identity))
    for identity, times in enumerate(weight):
        own = rows[samples.identity == identity]
        for first in range(len(own)):
            for second in range(first + 1, len(own)):
                genuine += [float(samples.vectors[own[first]] @ samples.vectors[own[second]])] * times
    impostor = np.sort(np.array(impostor, np.float32))[::-1]
    threshold = threshold_at(impostor, len(impostor), 0.2)
    expected = np.mean(np.array(genuine, np.float32) >= threshold)

    from lfr_ray.evaluate import verification

    original = verification.identity_weights
    verification.identity_weights = lambda *_: weight[None].astype(np.int64)
    try:
        found = verification.tar_replicates(pairs, (0.2,), replicates=1)
    finally:
        verification.identity_weights = original
    assert found[0, 0] == pytest.approx(expected)


def test_intervals_cover_the_truth(make_samples):
    """Of many small evaluations of one population, about 95 % of the intervals must hold its TAR."""
    population = compare_all(make_samples([3] * 400, noise=0.9, seed=99))
    truth = tar_at_far(population, (0.01,), replicates=1)[0].rate.value
    held = 0
    for seed in range(60):
        pairs = compare_all(make_samples([3] * 40, noise=0.9, seed=seed))
        interval = tar_at_far(pairs, (0.01,), replicates=200)[0].rate
        held += interval.low <= truth <= interval.high
    assert held / 60 >= 0.85


def test_unusable_pictures_count_as_refusals(make_samples):
    samples = make_samples([3, 2], failed={0: "no_face"})
    pairs = compare_all(samples)
    assert len(pairs.genuine) == 2
    assert tar_of_attempts(pairs, samples.pictures, -1.0) == 2 / 4


def test_the_det_curve_falls(make_samples):
    curve = det_curve(compare_all(make_samples([3] * 30, noise=1.1)), replicates=50)
    fmr, fnmr = [point.fmr for point in curve], [point.fnmr.value for point in curve]
    assert fmr == sorted(fmr)
    assert fnmr == sorted(fnmr, reverse=True)
    assert all(point.fnmr.low <= point.fnmr.value <= point.fnmr.high for point in curve)


def test_millions_of_pairs_take_seconds(make_samples):
    samples = make_samples([2] * 1200, length=64)
    started = time.perf_counter()
    pairs = compare_all(samples)
    tar_at_far(pairs, (0.01, 0.001, 0.0001), replicates=200)
    assert pairs.impostor_count == 2400 * 2399 // 2 - 1200
    assert time.perf_counter() - started < 20
