from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.evaluate.identification import (
    NO_ANSWER,
    rank_one,
    search_all,
    searchable_threshold,
    split_pictures,
    tpir_at_fpir,
)
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.stats import TAIL, identity_weights


def test_the_rule_word_for_word():
    # Pictures of identities a..f: 3, 1, 2, 2, 4, 1. With two or more: a, c, d, e -> a and d are enrolled.
    identity = np.repeat(np.arange(6), [3, 1, 2, 2, 4, 1])
    enrolled, mated, non_mated = split_pictures(identity, 6)
    assert identity[enrolled].tolist() == [0, 3]
    assert enrolled.tolist() == [0, 6]
    assert mated.tolist() == [1, 2, 7]
    assert identity[non_mated].tolist() == [1, 2, 2, 4, 4, 4, 4, 5]


def placed(similarities_to_a: list[float], pictures: list[int], reasons: list[str] | None = None) -> Samples:
    """Vectors in a plane: each picture at a given similarity to the direction of the first axis."""
    angle = np.arccos(np.array(similarities_to_a))
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    reasons = reasons or [""] * len(vectors)
    for row, reason in enumerate(reasons):
        if reason:
            vectors[row] = 0
    identity = np.repeat(np.arange(len(pictures)), pictures).astype(np.int64)
    names = tuple(chr(ord("a") + number) for number in range(len(pictures)))
    quality = np.ones(len(vectors), np.float32)
    return Samples(names, identity, vectors, tuple(reasons), ("",) * len(vectors), quality)


def test_searches_by_hand():
    # a: enrolled at 1.0, searched at 0.9 and 0.2; b: non-mated at 0.8 and 0.5; c: enrolled at 0.0, searched at 0.1.
    searches = search_all(placed([1.0, 0.9, 0.2, 0.8, 0.5, 0.0, 0.1], [3, 2, 2]))
    np.testing.assert_allclose(searches.mated_own, [0.9, 0.2, np.sqrt(1 - 0.01)], atol=1e-6)
    np.testing.assert_allclose(searches.mated_other, [np.sqrt(1 - 0.81), np.sqrt(1 - 0.04), 0.1], atol=1e-6)
    assert searches.correct.tolist() == [True, False, True]
    np.testing.assert_allclose(searches.non_mated_top, [0.8, np.sqrt(1 - 0.25)], atol=1e-6)
    half = tpir_at_fpir(searches, (0.5,), replicates=50)[0]
    assert half.accepted == 1  # one of two non-mated searches may alert: threshold just above 0.8
    assert half.threshold == pytest.approx(0.8, abs=1e-6)
    assert half.rate.value == pytest.approx(2 / 3)
    assert rank_one(searches, replicates=50).value == pytest.approx(2 / 3)


def test_failures_are_misses_and_never_alerts():
    # The enrolled picture of c has no face, and so has one search of a and one of b.
    reasons = ["", "", "no_face", "no_face", "", "no_face", ""]
    searches = search_all(placed([1.0, 0.9, 0.2, 0.8, 0.5, 0.0, 0.1], [3, 2, 2], reasons))
    assert (searches.enrolment_failures, searches.mated_failures, searches.non_mated_failures) == (1, 1, 1)
    assert searches.mated_own[1] == searches.mated_own[2] == NO_ANSWER
    assert searches.non_mated_top[0] == NO_ANSWER
    loosest = tpir_at_fpir(searches, (0.5,), replicates=50)[0]
    assert loosest.rate.value == pytest.approx(1 / 3), "two of three mated searches could not succeed"
    assert loosest.accepted == 1, "of two non-mated searches the one without a face counts, and is no alert"


def test_no_threshold_turns_a_failed_search_into_an_alert():
    top = np.array([NO_ANSWER, NO_ANSWER], np.float32)
    assert searchable_threshold(top, 1.0) > NO_ANSWER


def test_the_threshold_keeps_the_target(make_samples):
    searches = search_all(make_samples([3] * 60, noise=1.5))
    for point in tpir_at_fpir(searches, (0.1, 0.01, 0.001), replicates=100):
        assert point.accepted == (searches.non_mated_top >= point.threshold).sum()
        assert point.accepted <= point.target * len(searches.non_mated_top)
        assert point.resolved == (point.target * len(searches.non_mated_top) >= 1)
        assert point.rate.low <= point.rate.value <= point.rate.high


def test_tpir_falls_with_fpir(make_samples):
    searches = search_all(make_samples([3] * 80, noise=1.6))
    rates = [point.rate.value for point in tpir_at_fpir(searches, (0.5, 0.1, 0.02), replicates=20)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1]


@pytest.mark.parametrize("target", [0.3, 0.1, 0.0])
def test_the_interval_is_that_of_searches_drawn_one_by_one(make_samples, target):
    """Each replicate written out: every drawn person's searches again, and the threshold counted off from the top."""
    searches = search_all(make_samples([3] * 40, noise=1.6))
    rates = []
    for weight in identity_weights(searches.identities, 200):
        top = np.sort(np.repeat(searches.non_mated_top, weight[searches.non_mated_identity]))[::-1]
        first_refused = top[int(target * len(top) + 1e-9)]
        mated = np.repeat(searches.rank_one_similarity, weight[searches.mated_identity])
        rates.append((mated > first_refused).mean())
    (found,) = tpir_at_fpir(searches, (target,), replicates=200)
    assert (found.rate.low, found.rate.high) == pytest.approx(np.quantile(rates, [TAIL, 1 - TAIL]))
    assert found.rate.low < found.rate.value < found.rate.high
