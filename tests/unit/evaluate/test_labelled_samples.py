from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError, ModelError, ShapeError
from lfr_ray.evaluate.labelled_samples import Samples, check_enough


def test_counts_and_gate(make_samples):
    samples = make_samples([3, 1, 2], failed={1: "no_face"}, gate={2: "blurred"})
    assert samples.pictures.tolist() == [3, 1, 2]
    assert samples.usable.tolist() == [2, 1, 2]
    gated = samples.without(samples.quality_faults)
    assert gated.usable.tolist() == [1, 1, 2]
    assert gated.reasons[1:3] == ("no_face", "blurred")
    assert not gated.vectors[2].any()
    assert samples.vectors[2].any(), "the original must not change"


def test_only_keeps_and_renumbers(make_samples):
    samples = make_samples([2, 3, 4])
    kept = samples.only(np.array([True, False, True]))
    assert kept.names == ("person_0000", "person_0002")
    assert kept.identity.tolist() == [0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(kept.vectors[2:], samples.vectors[5:])


def test_repr_shows_no_name_and_no_vector(make_samples):
    text = repr(make_samples([2, 2]))
    assert "person" not in text
    assert "array" not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"identity": np.array([1, 0], np.int64)}, "in order"),
        ({"identity": np.array([0, 5], np.int64)}, "in order"),
        ({"names": ("b", "a")}, "unique and in order"),
        ({"vectors": np.full((2, 4), 0.9, np.float32)}, "unit length"),
        ({"vectors": np.full((2, 4), np.nan, np.float32)}, "not finite"),
        ({"reasons": ("",)}, "wrong length"),
    ],
)
def test_refuses_what_is_not_samples(change, says):
    vectors = np.zeros((2, 4), np.float32)
    vectors[:, 0] = 1
    whole = {
        "names": ("a", "b"),
        "identity": np.array([0, 1], np.int64),
        "vectors": vectors,
        "reasons": ("", ""),
        "quality_faults": ("", ""),
        "quality": np.ones(2, np.float32),
    }
    Samples(**whole)
    with pytest.raises(ShapeError, match=says):
        Samples(**{**whole, **change})


@pytest.mark.parametrize(
    ("pictures", "failed", "says"),
    [
        ([5], {}, "several identities"),
        ([], {}, "several identities"),
        ([1, 1, 1], {}, "single picture"),
        ([2, 1], {1: "no_face"}, "too few pictures with a usable face"),
        ([2, 2], {2: "no_face", 3: "no_face"}, "too few pictures with a usable face"),
    ],
)
def test_too_little_is_said_plainly(make_samples, pictures, failed, says):
    with pytest.raises(InputError, match=says) as caught:
        check_enough(make_samples(pictures, failed=failed))
    assert caught.value.exit_code == 2
    assert caught.value.next_step


def test_a_model_that_returns_one_vector_is_named(make_samples):
    samples = make_samples([2, 2])
    same = np.tile(samples.vectors[:1], (4, 1))
    constant = Samples(samples.names, samples.identity, same, samples.reasons, samples.quality_faults, samples.quality)
    with pytest.raises(ModelError, match="same vector"):
        check_enough(constant)
