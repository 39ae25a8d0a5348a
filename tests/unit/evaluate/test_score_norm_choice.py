"""The weight of score normalisation is chosen where it pays, and by people who were not used for the fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lfr_ray.evaluate.score_norm_choice import WEIGHTS, choose_norm
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.match.threshold import threshold_for


def normaliser_of(rule):
    return lambda entries: ScoreNormaliser(entries, rule).normalised


def needed(tail):
    return threshold_for(tail, 100, 10.0).similarity


def crowded(samples, share):
    """Some people's faces all lie near one place, as those do that resemble everybody."""
    random = np.random.default_rng(4)
    middle = random.standard_normal(samples.vectors.shape[1]).astype(np.float32)
    middle /= np.linalg.norm(middle)
    pull = np.where(samples.identity % 3 == 0, share, 0.0)[:, None].astype(np.float32)
    vectors = samples.vectors + pull * middle
    return replace(samples, vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def test_a_weight_is_chosen_where_some_faces_resemble_everybody(make_samples):
    samples = crowded(make_samples([4] * 240, noise=0.8, length=48), 1.0)
    chosen = choose_norm(samples, 3, normaliser_of, needed, repeats=4)
    assert chosen is not None
    assert chosen.weight in WEIGHTS[1:]


def test_none_is_chosen_where_it_changes_nothing_or_nothing_can_be_told(make_samples):
    samples = make_samples([4] * 240, noise=0.8, length=48)
    assert choose_norm(samples, 3, lambda rule: lambda entries: lambda found: found, needed, repeats=2) is None
    assert choose_norm(make_samples([2] * 60), 3, normaliser_of, needed, repeats=2) is None
