"""LFW's list of pairs: read as it is published, and the accuracy of its folds."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.lfw_pairs import pair_accuracy, parse_pairs

TEXT = """2\t2
Ann\t1\t2
Bob_Lee\t1\t2
Ann\t1\tBob_Lee\t1
Ann\t2\tBob_Lee\t2
Ann\t1\t2
Bob_Lee\t2\t1
Ann\t2\tBob_Lee\t1
Ann\t1\tBob_Lee\t2
"""
ROWS = {"Ann_0001": 0, "Ann_0002": 1, "Bob_Lee_0001": 2, "Bob_Lee_0002": 3}


def people(angles_deg: tuple[float, ...], failed: int = -1) -> Samples:
    radians = np.deg2rad(np.array(angles_deg))
    vectors = np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
    reasons = tuple("no_face" if row == failed else "" for row in range(4))
    vectors[[bool(reason) for reason in reasons]] = 0
    return Samples(
        ("Ann", "Bob_Lee"), np.array([0, 0, 1, 1]), vectors, reasons, ("",) * 4, np.ones(4, np.float32)
    )  # fmt: skip


def test_the_published_layout() -> None:
    found = parse_pairs(TEXT)
    assert found.pictures[1] == ("Bob_Lee_0001", "Bob_Lee_0002")
    assert found.pictures[2] == ("Ann_0001", "Bob_Lee_0001")
    assert found.same.tolist() == [True, True, False, False] * 2
    assert found.fold.tolist() == [0] * 4 + [1] * 4


@pytest.mark.parametrize(
    "text", ["", "10", "2 2\nAnn 1 2", TEXT.replace("Ann\t1\t2", "Ann\tone\t2"), TEXT + "Ann\t1\n"]
)
def test_another_layout_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_pairs(text)
    assert "NAME NUMBER NUMBER" in caught.value.allowed
    assert "pairs.txt" in caught.value.next_step


def test_people_apart_are_all_told_apart() -> None:
    found = pair_accuracy(people((0, 10, 90, 100)), ROWS, parse_pairs(TEXT))
    assert (found.accuracy, found.standard_error, found.pairs, found.left_out) == (1.0, 0.0, 8, 0)


def test_a_threshold_of_the_other_folds_decides() -> None:
    """Bob's two pictures are as far apart as Ann and Bob are: whatever the threshold, a pair in each fold is wrong."""
    found = pair_accuracy(people((0, 10, 60, 120)), ROWS, parse_pairs(TEXT))
    assert found.accuracy == 0.75


def test_pairs_without_a_vector_are_counted_and_left_out() -> None:
    found = pair_accuracy(people((0, 10, 90, 100), failed=1), ROWS, parse_pairs(TEXT))
    assert (found.pairs, found.left_out) == (4, 4)


def test_a_list_of_other_pictures_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        pair_accuracy(people((0, 10, 90, 100)), {"Ann_0001": 0}, parse_pairs(TEXT))
    assert caught.value.got == "0 of 8 pairs"
