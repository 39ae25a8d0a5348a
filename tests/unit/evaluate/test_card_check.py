"""A card's promise against what is counted: on people it was not made with, and where it was made on others."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.card_check import check_card
from lfr_ray.evaluate.evaluation_figures import MATCHER_RULE
from lfr_ray.evaluate.false_match_tail import fit_tail
from lfr_ray.evaluate.match_probability import fit_genuine
from lfr_ray.evaluate.probe_fusion import compare_passages, make_passages
from lfr_ray.models.card_calibration import Calibration


@pytest.fixture(scope="module")
def calibration(make_samples) -> Calibration:
    samples = make_samples([4] * 200, noise=0.8, length=24)
    fused = compare_passages(make_passages(samples, 3), MATCHER_RULE)
    return Calibration(
        threshold=0.9,
        view_threshold=0.8,
        list_size=500,
        relative=0.9,
        data="made up",
        tail=fit_tail(compare_all(samples)).fit,
        fused_tail=fit_tail(fused).fit,
        fused_genuine=fit_genuine(fused),
    )


def test_the_promise_holds_for_other_people_of_the_same_kind(make_samples, calibration):
    others = make_samples([4] * 200, noise=0.8, length=24, seed=2)
    found = check_card(others, calibration, None, 3, MATCHER_RULE)
    assert [(one.kind, one.rate) for one in found] == [
        ("single", 1e-2), ("single", 1e-3), ("single", 1e-4), ("fused", 1e-2), ("fused", 1e-3)
    ]  # fmt: skip
    for one in found:
        assert one.within, one
        assert one.counted == pytest.approx(one.expected, rel=0.5)


def test_people_who_resemble_each_other_more_are_told(make_samples, calibration):
    others = make_samples([4] * 200, noise=0.8, length=12, seed=2)
    found = check_card(others, calibration, None, 3, MATCHER_RULE)
    assert not any(one.within for one in found)
    assert all(one.counted > 2 * one.expected for one in found)


def test_a_list_too_short_to_be_normalised_is_checked_by_its_own_fit(make_samples, calibration):
    rule = {"weight": 0.3, "share": 0.02, "least": 5, "min_entries": 1000}
    shifted = calibration.fused_tail.model_copy(update={"start": calibration.fused_tail.start - 0.1})
    short = {"score_norm": rule, "short_tail": shifted.model_dump(), "short_genuine": calibration.fused_genuine}
    card = Calibration(**{**calibration.model_dump(), **short})
    plain = check_card(make_samples([4] * 200, noise=0.8, length=24), calibration, None, 3, MATCHER_RULE)
    found = check_card(make_samples([4] * 200, noise=0.8, length=24), card, None, 3, MATCHER_RULE)
    assert np.allclose([a.similarity - b.similarity for a, b in zip(plain[3:], found[3:], strict=True)], 0.1)


def test_too_few_pictures_for_passages_leave_single_ones(make_samples, calibration):
    found = check_card(make_samples([2] * 300, noise=0.8, length=24), calibration, None, 3, MATCHER_RULE)
    assert {one.kind for one in found} == {"single"}
