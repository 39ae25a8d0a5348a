from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.symmetric_norm import cohort_statistics, first_pictures, measure_gain, symmetric_norm


def test_the_cohort_statistics_are_those_of_the_nearest(make_samples):
    samples = make_samples([1] * 60)
    probe, cohort = samples.vectors[:5], samples.vectors[5:]
    mean, sd = cohort_statistics(probe, cohort, 10)
    for row in range(5):
        nearest = np.sort(cohort @ probe[row])[-10:]
        assert mean[row] == pytest.approx(nearest.mean(), abs=1e-5)
        assert sd[row] == pytest.approx(nearest.std(), abs=1e-5)


def test_normalised_similarities_are_symmetric(make_samples):
    samples = make_samples([1] * 60)
    compare = symmetric_norm(samples.vectors[:20], samples.vectors[20:], 15)
    table = compare(slice(0, 20), slice(0, 20))
    np.testing.assert_allclose(table, table.T, atol=1e-4)


def test_a_face_near_everybody_is_held_back(make_samples):
    """A picture in the middle of the crowd has large similarities to all; normalised they are nothing special."""
    samples = make_samples([1] * 100, length=16)
    crowd = samples.vectors + 0.8 * samples.vectors.mean(axis=0) / np.linalg.norm(samples.vectors.mean(axis=0))
    crowd = (crowd / np.linalg.norm(crowd, axis=1, keepdims=True)).astype(np.float32)
    middle = crowd.mean(axis=0) / np.linalg.norm(crowd.mean(axis=0))
    vectors = np.concatenate([crowd[:9], middle[None].astype(np.float32)])
    plain = vectors @ vectors.T
    table = symmetric_norm(vectors, crowd[10:], 40)(slice(0, 10), slice(0, 10))
    ordinary = ~np.eye(10, dtype=bool)
    ordinary[9] = ordinary[:, 9] = False
    plain_lead = (plain[9, :9].mean() - plain[ordinary].mean()) / plain[ordinary].std()
    lead = (table[9, :9].mean() - table[ordinary].mean()) / table[ordinary].std()
    assert plain_lead > 1
    assert lead < 0.6 * plain_lead


def test_a_small_cohort_is_refused(make_samples):
    samples = make_samples([1] * 10)
    with pytest.raises(InputError, match="cohort is too small"):
        cohort_statistics(samples.vectors[:2], samples.vectors[2:])


def test_the_gain_is_measured_on_others(make_samples):
    gains = measure_gain(make_samples([3] * 80, noise=1.3), (0.01, 0.001, 1e-9), top=30, repeats=2)
    assert [gain.far for gain in gains] == [0.01, 0.001], "what the pairs cannot resolve is left out"
    for gain in gains:
        assert gain.difference == pytest.approx(gain.normalised - gain.plain)
        assert 0 < gain.plain <= 1


def test_one_cohort_picture_a_person(make_samples):
    samples: Samples = make_samples([3, 2, 1], failed={0: "no_face", 5: "no_face"})
    np.testing.assert_array_equal(first_pictures(samples), samples.vectors[[1, 3]])
    assert compare_all(samples).impostor_count == 4
