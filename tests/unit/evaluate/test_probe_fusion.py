from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.probe_fusion import RULES, compare_passages, make_passages, mean_vectors
from lfr_ray.evaluate.verification import tar_at_far


def test_passages_are_dealt_in_name_order(make_samples):
    samples = make_samples([5, 1, 3, 4], failed={1: "no_face"})
    passages = make_passages(samples, 2)
    # Identity 0 has pictures 0, 2, 3, 4: the first is its entry, 2 and 3 are a passage, 4 is left over.
    np.testing.assert_array_equal(passages.views[0], samples.vectors[[2, 3]])
    assert passages.identity.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(passages.entries, samples.vectors[[0, 5, 6, 9]])
    assert passages.entry_identity.tolist() == [0, 1, 2, 3]


def test_the_mean_is_weighted_and_of_unit_length(make_samples):
    passages = make_passages(make_samples([4, 4]), 3)
    fused = mean_vectors(passages.views, passages.weights)
    np.testing.assert_allclose(np.linalg.norm(fused, axis=1), 1, atol=1e-6)
    by_hand = (passages.views[0] * passages.weights[0][:, None]).sum(axis=0)
    np.testing.assert_allclose(fused[0], by_hand / np.linalg.norm(by_hand), atol=1e-6)


@pytest.mark.parametrize(("rule", "rank"), [("first", None), ("max", 0), ("vote", 1)])
def test_rules_by_view(make_samples, rule, rank):
    passages = make_passages(make_samples([4, 4, 4]), 3)
    pairs = compare_passages(passages, rule)
    table = np.sort(np.einsum("pvd,ed->pev", passages.views, passages.entries), axis=2)[:, :, ::-1]
    expected = passages.views[:, 0] @ passages.entries.T if rank is None else table[:, :, rank]
    same = passages.identity[:, None] == passages.entry_identity[None]
    np.testing.assert_allclose(pairs.genuine, np.sort(expected[same])[::-1], atol=1e-6)
    np.testing.assert_allclose(pairs.impostor, np.sort(expected[~same])[::-1], atol=1e-6)


def test_several_views_recognise_better_than_one(make_samples):
    passages = make_passages(make_samples([4] * 150, noise=1.4), 3)
    rates = {rule: tar_at_far(compare_passages(passages, rule), (0.001,), replicates=1)[0].rate.value for rule in RULES}
    assert rates["mean"] > rates["first"] + 0.1
    assert rates["plain_mean"] > rates["first"] + 0.1


def test_too_few_pictures_are_refused(make_samples):
    with pytest.raises(InputError, match="enough pictures"):
        make_passages(make_samples([3, 2]), 3)
