from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.match_probability import fit_genuine, reliability


def test_the_fit_describes_the_genuine_pairs(make_samples):
    pairs = compare_all(make_samples([4] * 120, noise=0.7))
    fit = fit_genuine(pairs)
    assert (fit.pairs, fit.identities) == (720, 120)
    for quantile in (0.1, 0.5, 0.9):
        assert fit.miss_rate_at(float(np.quantile(pairs.genuine, quantile))) == pytest.approx(quantile, abs=0.07)


def test_every_person_weighs_the_same(make_samples):
    """One person with 40 pictures must not outvote thirty with two."""
    many = compare_all(make_samples([2] * 30 + [40], noise=0.9, seed=3))
    few = compare_all(make_samples([2] * 30, noise=0.9, seed=3))
    median = float(np.median(few.genuine))
    assert fit_genuine(many).miss_rate_at(median) == pytest.approx(fit_genuine(few).miss_rate_at(median), abs=0.08)


def test_too_few_people_are_refused(make_samples):
    with pytest.raises(InputError, match="too few people"):
        fit_genuine(compare_all(make_samples([2, 2, 1])))


def test_too_few_people_for_halves_leave_it_unjudged(make_samples):
    result = reliability(make_samples([2] * 20), repeats=2)
    assert (result.searches, result.bins) == (0, ())


def test_stated_probabilities_hold_on_other_people(make_samples):
    result = reliability(make_samples([3] * 260, noise=0.9, length=24), repeats=4)
    assert result.searches > 100
    assert result.brier < 0.8 * result.brier_constant
    for one in result.bins:
        if one.searches >= 30:
            assert one.observed.value == pytest.approx(one.stated, abs=0.2)
