"""Score normalisation: exact against the definition, and none for short lists."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.match.decide_match import NOT_COMPARED
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.models.card_calibration import ScoreNorm

RULE = ScoreNorm(weight=0.35, share=0.02, least=3, min_entries=30)


def unit(rows: int, seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(0.3, 1.0, (rows, 16)).astype(np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def by_definition(entries: np.ndarray, probe: np.ndarray, nearest: int) -> np.ndarray:
    def around(vector: np.ndarray, number: int) -> float:
        return float(np.sort(np.delete(entries, number, axis=0) @ vector)[::-1][:nearest].mean())

    of_entries = [around(entry, number) for number, entry in enumerate(entries)]
    off = [around(probe, number) + own - 2 * np.mean(of_entries) for number, own in enumerate(of_entries)]
    return entries @ probe - RULE.weight * np.array(off)


@pytest.mark.parametrize(("count", "nearest"), [(40, 3), (400, 8)])
def test_exactly_the_definition(count: int, nearest: int) -> None:
    entries, probes = unit(count), unit(5, seed=1)
    normalised = ScoreNormaliser(entries, RULE).normalised(probes @ entries.T)
    for row, probe in zip(normalised, probes, strict=True):
        np.testing.assert_allclose(row, by_definition(entries, probe, nearest), atol=2e-5)


def test_a_short_list_is_compared_as_it_is() -> None:
    entries, probes = unit(29), unit(2, seed=1)
    similarities = probes @ entries.T
    np.testing.assert_array_equal(ScoreNormaliser(entries, RULE).normalised(similarities), similarities)
    np.testing.assert_array_equal(ScoreNormaliser(unit(100), None).normalised(similarities), similarities)


def test_entries_that_are_not_compared_stay_so() -> None:
    entries = unit(50)
    similarities = unit(1, seed=2) @ entries.T
    similarities[0, 7] = NOT_COMPARED
    assert ScoreNormaliser(entries, RULE).normalised(similarities)[0, 7] == NOT_COMPARED


def test_a_face_near_everybody_loses_its_lead_over_one_that_stands_alone() -> None:
    middle = np.ones(16, np.float32) / 4
    crowd = 0.97 * middle + 0.03 * unit(60)
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    alone = unit(1, seed=9)[0]
    entries = np.vstack([crowd, alone]).astype(np.float32)
    normalised = ScoreNormaliser(entries, RULE).normalised(np.stack([crowd[0] * 0.999, alone * 0.95]) @ entries.T)
    assert normalised[1, -1] > normalised[0].max(), (
        "a weaker likeness to one alone tells more than a strong one in a crowd"
    )


def test_a_long_list_is_represented_by_a_part() -> None:
    entries = unit(5000)
    normalised = ScoreNormaliser(entries, RULE).normalised(unit(2, seed=3) @ entries.T)
    assert normalised.shape == (2, 5000)
    assert np.isfinite(normalised).all()


@pytest.mark.parametrize("count", [30, 100, 1000])
def test_strangers_keep_their_scale_whatever_the_size_of_the_list(count: int) -> None:
    entries, strangers = unit(count), unit(400, seed=4)
    similarities = strangers @ entries.T
    taken_off = similarities - ScoreNormaliser(entries, RULE).normalised(similarities)
    assert abs(float(taken_off.mean())) < 0.01
