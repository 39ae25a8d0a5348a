"""One person, one entry; one entry, one person."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.enrol.list_consistency import FIRST_CAPACITY, Consistency
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry, Rejected
from lfr_ray.models.card_calibration import Calibration

CALIBRATION = Calibration(
    threshold=0.9, view_threshold=0.8, list_size=9, relative=0.9, same_person=0.97, different_person=0.5, data="x"
)


def toward(angle_deg: float) -> np.ndarray:
    """Unit vectors in a plane: the similarity of two is the cosine of the angle between them."""
    return np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))], np.float32)


def image(entry_id: str, number: int, angle_deg: float) -> EnrolledImage:
    return EnrolledImage(
        entry=Entry(entry_id, "n", "test"),
        file_sha256=f"{number:064}",
        model="m",
        vector=toward(angle_deg),
        quality=0.5,
        size_px=90.0,
        jpeg=b"",
    )


def judge(agreement: Consistency, *placed: tuple[str, float]) -> tuple[list[float], dict[str, str]]:
    images = [image(entry_id, number, angle) for number, (entry_id, angle) in enumerate(placed)]
    rejected: list[Rejected] = []
    names = {one.image_id: f"{one.entry.entry_id}/{number}" for number, one in enumerate(images)}
    kept = agreement.consistent(images, names, rejected)
    angles = [next(angle for number, (_, angle) in enumerate(placed) if images[number] is one) for one in kept]
    return angles, {one.file: one.reason for one in rejected}


def test_pictures_that_agree_are_kept() -> None:
    angles, rejected = judge(Consistency([], CALIBRATION), ("a", 0), ("a", 20), ("b", 90), ("c", 200))
    assert angles == [0, 20, 90, 200]
    assert rejected == {}


def test_the_first_of_two_ids_of_one_person_counts() -> None:
    angles, rejected = judge(Consistency([("old", toward(300))], CALIBRATION), ("a", 0), ("b", 3), ("c", 301))
    assert angles == [0]
    assert rejected == {
        "b/1": "duplicate person: the face is also entry a's",
        "c/2": "duplicate person: the face is also entry old's",
    }
    assert judge(Consistency([], CALIBRATION, one_entry_each=False), ("a", 0), ("b", 3))[1] == {}


def test_the_one_that_is_not_like_the_others_goes() -> None:
    angles, rejected = judge(Consistency([], CALIBRATION), ("a", 0), ("a", 90), ("a", 10), ("a", 20))
    assert angles == [0, 10, 20]
    assert list(rejected) == ["a/1"]


def test_several_strangers_go() -> None:
    placed = [("a", angle) for angle in (0, 10, 20, 30, 120, 240)]
    angles, rejected = judge(Consistency([], CALIBRATION), *placed)
    assert angles == [0, 10, 20, 30]
    assert len(rejected) == 2


def test_of_two_that_disagree_neither_is_taken() -> None:
    assert judge(Consistency([], CALIBRATION), ("a", 0), ("a", 90), ("b", 180))[0] == [180]


def test_stored_pictures_of_the_entry_decide() -> None:
    agreement = Consistency([("a", toward(0)), ("b", toward(180))], CALIBRATION)
    assert judge(agreement, ("a", 90), ("a", 15), ("b", 190))[0] == [15, 190]
    assert judge(agreement, ("a", 100))[0] == [], "what was kept just now counts as stored"


def test_a_card_that_says_nothing_checks_nothing() -> None:
    silent = CALIBRATION.model_copy(update={"same_person": None, "different_person": None})
    for calibration in (silent, None):
        assert len(judge(Consistency([], calibration), ("a", 0), ("a", 180), ("b", 0))[0]) == 3


@pytest.mark.parametrize("count", [FIRST_CAPACITY - 1, FIRST_CAPACITY, FIRST_CAPACITY + 1, 3 * FIRST_CAPACITY])
def test_a_long_list_remembers_everybody(count: int) -> None:
    wide = np.eye(count, dtype=np.float32)
    agreement = Consistency(((f"e{number}", wide[number]) for number in range(count)), CALIBRATION)
    last = EnrolledImage(
        entry=Entry("new", "n", "test"), file_sha256="0", model="m", vector=wide[-1], quality=1, size_px=1, jpeg=b""
    )
    rejected: list[Rejected] = []
    assert agreement.consistent([last], {last.image_id: "new/1"}, rejected) == []
    assert rejected[0].reason.endswith(f"e{count - 1}'s")
