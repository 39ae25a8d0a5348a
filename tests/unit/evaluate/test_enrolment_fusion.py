from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.enrolment_fusion import ENROLMENT_RULES, make_enrolments
from lfr_ray.evaluate.probe_fusion import compare_passages
from lfr_ray.evaluate.verification import tar_at_far


def test_the_first_usable_pictures_are_enrolled(make_samples):
    samples = make_samples([4, 2, 3, 1], failed={1: "no_face"})
    dealt = make_enrolments(samples, 2)
    # Identity 0 has pictures 0, 2, 3; identity 2 has 6, 7, 8. The others have too few.
    np.testing.assert_array_equal(dealt.views[0], samples.vectors[[0, 2]])
    np.testing.assert_array_equal(dealt.views[1], samples.vectors[[6, 7]])
    np.testing.assert_array_equal(dealt.entries, samples.vectors[[3, 8]])
    assert dealt.identity.tolist() == dealt.entry_identity.tolist() == [0, 2]


def test_rules_by_hand(make_samples):
    dealt = make_enrolments(make_samples([4, 4, 4]), 2)
    each = np.einsum("sd,ekd->sek", dealt.entries, dealt.views)
    same = dealt.entry_identity[:, None] == dealt.identity[None]
    means = dealt.views.mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    expected = {"one": each[:, :, 0], "nearest": each.max(axis=2), "template": dealt.entries @ means.T}
    for rule, way in ENROLMENT_RULES.items():
        pairs = compare_passages(dealt, way)
        np.testing.assert_allclose(pairs.genuine, np.sort(expected[rule][same])[::-1], atol=1e-6)
        np.testing.assert_allclose(pairs.impostor, np.sort(expected[rule][~same])[::-1], atol=1e-6)


def test_more_pictures_recognise_better(make_samples):
    dealt = make_enrolments(make_samples([4] * 120, noise=1.3), 2)
    rates = {
        rule: tar_at_far(compare_passages(dealt, way), (0.001,), replicates=1)[0].rate.value
        for rule, way in ENROLMENT_RULES.items()
    }
    assert rates["template"] > rates["one"] + 0.05
    assert rates["nearest"] > rates["one"]


def test_too_few_people_are_refused(make_samples):
    with pytest.raises(InputError, match="too few people"):
        make_enrolments(make_samples([3, 2, 2]), 2)
