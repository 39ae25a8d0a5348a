"""Thresholds follow the size of the list, and nobody can set them below the floor."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.config import MatchConfig
from lfr_ray.errors import ConfigError
from lfr_ray.match.threshold import (
    CEILING_PER_10K,
    FACES,
    comparison_rate,
    expected_false_alerts,
    is_normalised,
    single_thresholds,
    threshold_for,
    thresholds_for,
)
from lfr_ray.models.card_calibration import Calibration, CoveredFit, GenuineFit, ScoreNorm, TailFit

TAIL = TailFit(start=0.5, start_rate=0.01, shape=-0.1, scale=0.05, comparisons=10**6, p_value=0.5)
RULE = ScoreNorm(weight=0.35, share=0.02, least=3, min_entries=30)


def calibration(**changes: Any) -> Calibration:
    known = {"threshold": 0.85, "view_threshold": 0.6, "list_size": 500, "relative": 0.7, "data": "made up"}
    return Calibration(**(known | changes))


def test_without_a_tail_the_card_s_threshold_stands() -> None:
    for size in (1, 500, 100_000):
        found = thresholds_for(calibration(), MatchConfig(), size)
        assert (found.fused, found.view, found.floor) == (0.85, 0.6, 0.6)


@given(st.integers(1, 10**6))
def test_a_stranger_s_chance_stays_what_it_was(size: int) -> None:
    card = calibration(fused_tail=TAIL)
    found = thresholds_for(card, MatchConfig(), size)
    chance = size * TAIL.rate_at(found.fused)
    assert chance <= 500 * TAIL.rate_at(0.85) * 1.001 or found.fused == 1.0


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_longer_list_never_has_a_lower_threshold(one: int, other: int) -> None:
    card = calibration(fused_tail=TAIL)
    short, long = sorted((one, other))
    assert thresholds_for(card, MatchConfig(), short).fused <= thresholds_for(card, MatchConfig(), long).fused + 1e-12


def test_the_card_s_own_size_has_the_card_s_own_threshold() -> None:
    assert thresholds_for(calibration(fused_tail=TAIL), MatchConfig(), 500).fused == 0.85


@given(st.integers(1, 10**6))
def test_the_floor_is_one_stranger_in_a_thousand(size: int) -> None:
    floor = thresholds_for(calibration(fused_tail=TAIL), MatchConfig(), size).floor
    if floor > TAIL.start:
        assert size * TAIL.rate_at(floor) == pytest.approx(CEILING_PER_10K / FACES, rel=2e-3)
    assert thresholds_for(calibration(fused_tail=TAIL), MatchConfig(), size).fused >= floor


def test_a_configured_threshold_is_taken_down_to_the_floor_only() -> None:
    card = calibration()
    assert thresholds_for(card, MatchConfig(threshold=0.6), 100).fused == 0.6
    assert thresholds_for(card, MatchConfig(threshold=0.9, view_threshold=0.8), 100).view == 0.8
    with pytest.raises(ConfigError, match="below the floor") as caught:
        thresholds_for(card, MatchConfig(threshold=0.59), 100)
    assert "0.6" in caught.value.allowed
    assert "0.59" in caught.value.got


def test_a_list_too_short_for_score_normalisation_has_its_own_threshold() -> None:
    card = calibration(score_norm=RULE, short_list_threshold=0.72, fused_tail=TAIL)
    assert thresholds_for(card, MatchConfig(), 5, normalised=False).fused == 0.72
    assert thresholds_for(card, MatchConfig(), 500, normalised=True).fused == 0.85
    without = calibration(score_norm=RULE)
    assert thresholds_for(without, MatchConfig(), 5, normalised=False).fused == 0.85


def test_a_threshold_beyond_the_tail_s_end_is_not_moved() -> None:
    # A bounded tail ends at start + scale / -shape = 1.0; of what lies beyond, the fit says nothing.
    card = calibration(threshold=0.999, tail=TAIL.model_copy(update={"scale": 0.02}))
    assert thresholds_for(card, MatchConfig(), 10**6).fused == 0.999


def test_a_rate_of_false_alerts_gives_the_threshold_by_the_list_s_size() -> None:
    card = calibration(fused_tail=TAIL)
    strict, loose = MatchConfig(false_alerts_per_10k_faces=0.1), MatchConfig(false_alerts_per_10k_faces=1.0)
    for size in (1, 500, 20_000):
        found = thresholds_for(card, loose, size)
        assert size * TAIL.rate_at(found.fused) == pytest.approx(1.0 / FACES, rel=2e-3)
        assert thresholds_for(card, strict, size).fused > found.fused >= found.floor


def test_a_rate_that_the_card_has_no_fit_for_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a fit of fused views"):
        thresholds_for(calibration(), MatchConfig(false_alerts_per_10k_faces=1.0), 500)
    short = calibration(score_norm=RULE, fused_tail=TAIL)
    with pytest.raises(ConfigError, match="needs a fit"):
        thresholds_for(short, MatchConfig(false_alerts_per_10k_faces=1.0), 5, normalised=False)


def test_a_short_list_has_a_fit_of_its_own() -> None:
    other = TAIL.model_copy(update={"start": 0.55})
    card = calibration(score_norm=RULE, fused_tail=TAIL, short_tail=other)
    asked = MatchConfig(false_alerts_per_10k_faces=1.0)
    assert thresholds_for(card, asked, 700, normalised=False).fused == pytest.approx(
        thresholds_for(card, asked, 700, normalised=True).fused + 0.05
    )
    assert (is_normalised(card, 29), is_normalised(card, 30), is_normalised(calibration(), 500)) == (False, True, False)


def test_a_rate_and_a_threshold_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        MatchConfig(false_alerts_per_10k_faces=1.0, threshold=0.9)


@given(st.integers(1, 20_000))
def test_what_a_threshold_lets_one_expect_is_what_it_was_asked_for(size: int) -> None:
    card = calibration(fused_tail=TAIL)
    threshold = thresholds_for(card, MatchConfig(false_alerts_per_10k_faces=1.0), size).fused
    if threshold > TAIL.start:
        assert expected_false_alerts(card, threshold, size) == pytest.approx(1e-4, rel=2e-3)
    assert expected_false_alerts(calibration(), threshold, size) is None


def test_a_short_list_s_threshold_rises_with_the_list_from_its_own_size_on() -> None:
    card = calibration(score_norm=RULE, short_list_threshold=0.72, short_list_size=10, short_tail=TAIL)
    found = [thresholds_for(card, MatchConfig(), size, normalised=False).fused for size in (1, 10, 20, 29)]
    assert found[0] == found[1] == 0.72
    assert found[1] < found[2] < found[3]


def test_where_scores_are_normalised_a_shorter_list_has_no_lower_threshold() -> None:
    card = calibration(score_norm=RULE, fused_tail=TAIL)
    for config in (MatchConfig(), MatchConfig(false_alerts_per_10k_faces=1.0)):
        found = [thresholds_for(card, config, size, normalised=True).fused for size in (30, 100, 500, 5000)]
        assert found[0] == found[1] == found[2] < found[3]
    assert expected_false_alerts(card, 0.9, 30) == expected_false_alerts(card, 0.9, 500)


GENUINE = GenuineFit(mean=1.5, sd=0.3, pairs=100, identities=50)
LOWER = CoveredFit(
    threshold=0.95, view_threshold=0.7, list_size=500, genuine=GENUINE, tail=TAIL.model_copy(update={"start": 0.55})
)
"""Strangers are a twentieth more similar where the lower half is painted over."""


@given(st.integers(1, 10**5), st.floats(0.01, 10))
def test_covered_faces_alert_as_rarely_as_was_asked_for(size: int, asked: float) -> None:
    card = calibration(fused_tail=TAIL, covered={"lower": LOWER})
    config = MatchConfig(false_alerts_per_10k_faces=asked)
    plain, covered = thresholds_for(card, config, size), thresholds_for(card, config, size, covered="lower")
    if size >= card.short_list_size:
        assert covered.fused == pytest.approx(min(1.0, plain.fused + 0.05), abs=1e-6)
    expected = expected_false_alerts(card, covered.fused, size, covered="lower")
    assert expected is not None
    assert expected <= asked / FACES * 1.01 or covered.fused == 1.0


@pytest.mark.parametrize("size", [40, 500, 5000])
def test_a_stated_threshold_means_the_same_rate_for_covered_faces(size: int) -> None:
    card = calibration(fused_tail=TAIL, covered={"lower": LOWER})
    for stated in (0.88, 0.9):
        floor = thresholds_for(card, MatchConfig(), size).floor
        if stated >= floor:
            found = thresholds_for(card, MatchConfig(threshold=stated), size, covered="lower")
            assert found.fused == pytest.approx(stated + 0.05, abs=1e-6)
    # Beyond the tail's end no rate is known but "none": then nothing but a covered tail's end will do.
    strict = thresholds_for(card, MatchConfig(threshold=0.999), size, covered="lower").fused
    assert strict > thresholds_for(card, MatchConfig(threshold=0.9), size, covered="lower").fused


def test_without_a_word_the_card_s_own_threshold_of_the_region_moves_with_the_list() -> None:
    card = calibration(fused_tail=TAIL, covered={"lower": LOWER})
    assert thresholds_for(card, MatchConfig(), 500, covered="lower").fused == 0.95
    assert thresholds_for(card, MatchConfig(), 5000, covered="lower").fused > 0.95
    assert thresholds_for(card, MatchConfig(), 500, covered="lower").view == 0.7
    assert thresholds_for(card, MatchConfig(view_threshold=0.65), 500, covered="lower").view == pytest.approx(0.75)
    assert thresholds_for(card, MatchConfig(view_threshold=0.5), 500, covered="lower").view == 0.7


@pytest.mark.parametrize("normalised", [True, False])
def test_covered_faces_have_a_scale_for_short_lists_where_they_are_normalised(normalised: bool) -> None:
    short = TAIL.model_copy(update={"start": 0.6})
    fit = LOWER.model_copy(
        update={"score_norm": RULE, "short_tail": short, "short_genuine": GENUINE, "short_list_threshold": 0.9}
    )
    card = calibration(fused_tail=TAIL, score_norm=RULE, covered={"lower": fit})
    for size in (card.short_list_size, 500, 5000):
        found = thresholds_for(card, MatchConfig(), size, normalised=normalised, covered="lower")
        rate = expected_false_alerts(card, found.fused, size, normalised=normalised, covered="lower")
        known, known_size = (0.95, 500) if normalised else (0.9, card.short_list_size)
        tail = LOWER.tail if normalised else short
        assert rate == pytest.approx(tail.rate_at(known) * known_size, rel=1e-3)
    asked = MatchConfig(false_alerts_per_10k_faces=1.0)
    long, few = (thresholds_for(card, asked, 500, normalised=one, covered="lower").fused for one in (True, False))
    assert few == pytest.approx(long + 0.05, abs=1e-6)


def test_a_shorter_list_has_no_lower_threshold_of_covered_faces_than_the_longest_short_one() -> None:
    card = calibration(fused_tail=TAIL, covered={"lower": LOWER})
    one, most = (thresholds_for(card, MatchConfig(), size, covered="lower") for size in (1, card.short_list_size))
    assert one == most
    assert most.fused < thresholds_for(card, MatchConfig(), card.short_list_size + 1, covered="lower").fused


def test_covered_faces_cannot_be_normalised_without_fits_for_short_lists() -> None:
    with pytest.raises(ValueError, match="short_tail and short_genuine must be given"):
        CoveredFit(**LOWER.model_dump() | {"score_norm": RULE})


def test_a_region_that_does_not_exist_is_no_card() -> None:
    with pytest.raises(ValueError, match="left; allowed: lower, upper"):
        calibration(covered={"left": LOWER})


SINGLE = TailFit(start=0.5, start_rate=1e-2, shape=-0.1, scale=0.03, comparisons=10**6, p_value=0.5)


def test_published_pair_of_figures() -> None:
    """NPL 2023: one false positive in 6,000 with 10,000 entries, one in 60,000 with 1,000: linear in the list."""
    assert comparison_rate(10_000, 1e4 / 6_000) == pytest.approx(1.67e-8, rel=1e-2)
    assert comparison_rate(1_000, 1e4 / 60_000) == pytest.approx(comparison_rate(10_000, 1e4 / 6_000), rel=1e-3)


def test_a_longer_list_and_fewer_alerts_need_more() -> None:
    fit = SINGLE
    short, long = threshold_for(fit, 500, 1), threshold_for(fit, 10_000, 1)
    assert long.similarity > short.similarity > threshold_for(fit, 500, 5).similarity
    assert short.false_alerts_per_10k_faces == pytest.approx(1, rel=1e-6)
    assert short.comparison_rate == pytest.approx(2e-7, rel=1e-3)


def test_the_floor_cannot_be_passed() -> None:
    fit = SINGLE
    asked = threshold_for(fit, 1000, 500)
    assert asked.at_floor
    assert asked.similarity == asked.floor == threshold_for(fit, 1000, CEILING_PER_10K).similarity
    assert asked.false_alerts_per_10k_faces == pytest.approx(CEILING_PER_10K, rel=1e-6)
    assert not threshold_for(fit, 1000, CEILING_PER_10K).at_floor


@pytest.mark.parametrize(("size", "alerts"), [(0, 1.0), (-3, 1.0), (10, 0.0), (10, 10_000.0), (10, math.inf)])
def test_impossible_lists_are_refused(size: int, alerts: float) -> None:
    with pytest.raises(ConfigError, match="impossible"):
        comparison_rate(size, alerts)


def test_an_extrapolated_threshold_says_so() -> None:
    assert threshold_for(SINGLE, 500, 1).extrapolated
    assert not threshold_for(SINGLE, 10, 10).extrapolated


@pytest.mark.parametrize("size", [1, 30, 500, 10_000])
def test_a_single_view_has_to_reach_more_than_fused_views(size: int) -> None:
    card = calibration(fused_tail=TAIL, tail=TAIL)
    fused, single = thresholds_for(card, MatchConfig(), size), single_thresholds(card, MatchConfig(), size)
    assert single.fused > fused.fused
    assert single.view == single.fused


def test_a_single_view_follows_the_rate_that_is_asked_for() -> None:
    card = calibration(fused_tail=TAIL, tail=TAIL)
    often, seldom = (
        single_thresholds(card, MatchConfig(false_alerts_per_10k_faces=rate), 500).fused for rate in (5.0, 0.05)
    )
    assert often < seldom


def test_without_a_fit_of_single_views_none_is_judged() -> None:
    with pytest.raises(ConfigError, match="fit"):
        single_thresholds(calibration(fused_tail=TAIL), MatchConfig(), 500)
