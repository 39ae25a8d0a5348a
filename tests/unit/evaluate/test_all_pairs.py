from __future__ import annotations

import itertools

import numpy as np
import pytest

from lfr_ray.evaluate import all_pairs as pairs_module
from lfr_ray.evaluate.all_pairs import BINS, compare_across, compare_all


def by_hand(samples):
    genuine, impostor = [], []
    rows = np.flatnonzero(samples.acquired)
    for a, b in itertools.combinations(rows, 2):
        similarity = float(samples.vectors[a] @ samples.vectors[b])
        (genuine if samples.identity[a] == samples.identity[b] else impostor).append(similarity)
    return sorted(genuine, reverse=True), sorted(impostor, reverse=True)


@pytest.mark.parametrize("tile", [3, 7, 1024])
def test_every_pair_once_whatever_the_tile(make_samples, monkeypatch, tile):
    monkeypatch.setattr(pairs_module, "TILE", tile)
    samples = make_samples([4, 1, 3, 2, 5], failed={2: "no_face"})
    pairs = compare_all(samples)
    genuine, impostor = by_hand(samples)
    np.testing.assert_allclose(pairs.genuine, genuine, atol=1e-6)
    np.testing.assert_allclose(pairs.impostor, impostor, atol=1e-6)
    assert len(pairs.impostor) == pairs.impostor_count
    assert pairs.impostor_count == len(impostor)
    assert pairs.genuine_bins.sum() == len(genuine)
    assert pairs.impostor_bins.sum() == len(impostor)


def test_the_kept_tail_is_the_top_and_the_rest_is_counted(make_samples, monkeypatch):
    monkeypatch.setattr(pairs_module, "TILE", 8)
    samples = make_samples([2] * 30)
    whole = compare_all(samples)
    part = compare_all(samples, kept_least=100)
    assert len(part.impostor) == 100
    assert part.impostor_count == whole.impostor_count == 60 * 59 // 2 - 30
    np.testing.assert_array_equal(part.impostor, whole.impostor[:100])
    assert part.impostor_bins.sum() == whole.impostor_count


def test_owners_belong_to_the_values(make_samples):
    samples = make_samples([3, 3, 3])
    pairs = compare_all(samples)
    for value, (a, b) in zip(pairs.impostor, pairs.impostor_identities, strict=True):
        assert a != b
        between = samples.vectors[samples.identity == a] @ samples.vectors[samples.identity == b].T
        assert np.isclose(between, value, atol=1e-6).any()


def test_impostor_mass_of_plain_weights_is_the_count(make_samples):
    samples = make_samples([3, 1, 4, 2])
    pairs = compare_all(samples)
    assert pairs.impostor_mass(np.ones((1, 4), np.int64))[0] == pairs.impostor_count
    # Identity 0 drawn twice, identity 1 not at all: 2*3 pictures against 4 and 2, and 4 against 2.
    assert pairs.impostor_mass(np.array([[2, 0, 1, 1]]))[0] == 6 * 4 + 6 * 2 + 4 * 2


def test_across_counts_rectangles(make_samples):
    samples = make_samples([3, 3, 3])
    entries = samples.vectors[[0, 3, 6]]
    searches, owners = samples.vectors[[1, 2, 4]], samples.identity[[1, 2, 4]]
    pairs = compare_across(searches, owners, entries, np.array([0, 1, 2]), 3)
    assert len(pairs.genuine) == 3
    assert pairs.impostor_count == 6 == len(pairs.impostor)
    assert pairs.impostor_mass(np.ones((1, 3), np.int64))[0] == 6
    assert pairs.impostor_mass(np.array([[1, 2, 0]]))[0] == 2 * 2 + 2 * 1


def test_histogram_ends_take_what_lies_outside(make_samples):
    samples = make_samples([2, 2])
    pairs = compare_all(samples, span=(0.9999, 1.0))
    assert pairs.impostor_bins[0] == pairs.impostor_count
    assert len(pairs.impostor_bins) == BINS
