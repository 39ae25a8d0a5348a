"""How many people there were, by place and time alone."""

from __future__ import annotations

from itertools import count

import numpy as np

from lfr_ray.pipeline.people_count import JOIN_S, PeopleEstimate

LOST_S = 0.8


class Camera:
    """Faces at places, each in a track of its own from frame to frame unless it is said otherwise."""

    def __init__(self) -> None:
        self.people = PeopleEstimate()
        self.tracks = count(1)
        self.estimated = 0

    def sees(
        self, at_s: float, *places: tuple[float, float], size_px: float = 40, tracks: tuple[int, ...] = ()
    ) -> None:
        boxes = np.array([[x, y, x + size_px, y + size_px] for x, y in places], np.float32).reshape(-1, 4)
        names = tracks or tuple(next(self.tracks) for _ in places)
        self.estimated += self.people.look({name: row for row, name in enumerate(names)}, boxes, at_s, LOST_S)


def test_somebody_who_looks_away_again_and_again_is_one_person() -> None:
    camera = Camera()
    for number in range(40):
        camera.sees(number * 1.4, (100.0 + number % 3 * 10, 50.0))
        camera.sees(number * 1.4 + 0.5)
    assert camera.estimated == 1


def test_two_who_stand_side_by_side_are_two() -> None:
    camera = Camera()
    for number in range(10):
        camera.sees(number * 1.4, (100.0, 50.0), (150.0, 50.0))
        camera.sees(number * 1.4 + 0.5)
    assert camera.estimated == 2


def test_whoever_comes_back_later_elsewhere_or_much_larger_is_counted_again() -> None:
    camera = Camera()
    camera.sees(0.0, (100.0, 50.0))
    camera.sees(JOIN_S + LOST_S + 0.1, (100.0, 50.0))
    assert camera.estimated == 2
    camera.sees(7.0, (500.0, 50.0))
    assert camera.estimated == 3
    camera.sees(8.0, (450.0, 20.0), size_px=150)
    assert camera.estimated == 4


def test_a_track_that_goes_on_is_never_counted_twice() -> None:
    camera = Camera()
    camera.sees(0.0, (100.0, 50.0), tracks=(1,))
    camera.sees(0.3)
    camera.sees(0.6, (104.0, 50.0), tracks=(1,))
    camera.sees(0.7, (108.0, 50.0), (300.0, 50.0), tracks=(1, 2))
    assert camera.estimated == 2


def test_nothing_is_kept_for_longer_than_it_may_be_joined() -> None:
    camera = Camera()
    camera.sees(0.0, (100.0, 50.0), (300.0, 50.0))
    camera.sees(JOIN_S + LOST_S + 0.1)
    assert (camera.people._here, camera.people._gone) == ({}, [])
