from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.false_match_tail import Candidate, _chosen, drawn_tails, fit_tail, hold_out, rate_interval
from lfr_ray.evaluate.verification import count_at


@pytest.fixture(scope="module")
def many():
    from numpy.random import default_rng

    from lfr_ray.evaluate.labelled_samples import Samples

    drawn = default_rng(8)
    identity = np.repeat(np.arange(400), 3).astype(np.int64)
    centres = drawn.standard_normal((400, 24))
    vectors = centres[identity] + 0.6 * drawn.standard_normal((1200, 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    names = tuple(f"p{number:03d}" for number in range(400))
    return Samples(names, identity, vectors, ("",) * 1200, ("",) * 1200, np.ones(1200, np.float32))


def test_the_fit_follows_the_counted_rates(many):
    pairs = compare_all(many)
    report = fit_tail(pairs)
    assert report.fit.comparisons == pairs.impostor_count
    assert report.largest == pairs.impostor[0]
    for rate in (5e-4, 1e-4, 5e-5):
        if rate < report.fit.start_rate:
            counted = count_at(pairs.impostor, report.fit.similarity_at(rate)) / pairs.impostor_count
            assert counted == pytest.approx(rate, rel=0.35)


def test_the_rate_at_the_start_is_counted(many):
    pairs = compare_all(many)
    fit = fit_tail(pairs).fit
    assert (
        fit.start_rate == (pairs.impostor > np.float32(fit.start)).mean() * len(pairs.impostor) / pairs.impostor_count
    )


def test_the_interval_of_a_rate_holds_it_and_widens_outwards(many):
    pairs = compare_all(many)
    fit = fit_tail(pairs).fit
    drawn = drawn_tails(pairs, fit, replicates=60)
    assert len(drawn) == 60
    near = rate_interval(fit, drawn, fit.similarity_at(1e-4), many.size)
    far = rate_interval(fit, drawn, fit.similarity_at(1e-7), many.size)
    for interval, rate in ((near, 1e-4), (far, 1e-7)):
        assert interval.value == pytest.approx(rate, rel=1e-6)
        assert interval.low < rate < interval.high
    assert far.high / far.value > near.high / near.value


def test_predictions_hold_on_other_people(many):
    rows = hold_out(many, repeats=6)
    assert [row.rate for row in rows] == sorted((row.rate for row in rows), reverse=True)
    assert rows[-1].rate <= 1e-4
    for row in rows:
        assert row.expected >= 10
        assert 0.5 < row.ratio < 2.0
    assert np.mean([row.within for row in rows]) > 0.7


def test_too_few_pairs_are_refused(make_samples):
    with pytest.raises(InputError, match="too few impostor pairs") as caught:
        fit_tail(compare_all(make_samples([2] * 10)))
    assert caught.value.exit_code == 2


def candidate(rate: float, exceedances: int, shape: float, p_value: float, apart: int = 0) -> Candidate:
    return Candidate(0.9 + rate, rate, exceedances, apart or exceedances, shape, 0.01, p_value)


def test_the_start_is_the_lowest_that_is_good_and_stable():
    low, middle, high = (
        candidate(1e-2, 20_000, -0.1, 0.5),
        candidate(1e-3, 2_000, -0.1, 0.5),
        candidate(1e-4, 200, -0.1, 0.5),
    )
    assert _chosen([low, middle, high]) is low
    assert _chosen([candidate(1e-2, 20_000, -0.25, 0.9), middle, high]) is middle, "another shape: not stable"
    assert _chosen([candidate(1e-2, 20_000, -0.1, 0.01), middle, high]) is middle, "a bad fit is no start"
    worst = candidate(1e-4, 200, -0.1, 0.001)
    best = candidate(1e-3, 2_000, -0.1, 0.05)
    assert _chosen([candidate(1e-2, 20_000, -0.1, 0.01), best, worst]) is best, (
        "none is good: the least bad, with its p"
    )


def test_pictures_of_the_same_two_people_say_nothing_about_a_lower_start():
    low, noisy = candidate(2e-2, 6000, -0.135, 0.7), candidate(1e-3, 300, -0.02, 0.6, apart=210)
    assert _chosen([low, noisy]) is low, "0.115 off, where 210 pairs of people leave 0.133 open"
    assert _chosen([low, candidate(1e-3, 300, -0.02, 0.6)]) is not low, "300 pairs of people leave 0.111 open"


def test_a_start_counts_every_two_people_once(make_samples):
    for found in fit_tail(compare_all(make_samples([3] * 120))).candidates:
        assert found.exceedances / 9 <= found.apart < found.exceedances


def test_rates_fall_beyond_the_largest_similarity(many):
    report = fit_tail(compare_all(many))
    assert report.fit.rate_at(report.largest + 0.02) < 1 / report.fit.comparisons
