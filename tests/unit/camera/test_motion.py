"""The motion check: what has moved is looked at, noise is not, and nobody is forgotten behind it."""

from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.camera.motion import EMPTY_AGAIN_S, SEEN_AGAIN_S, MotionCheck

SIZES = [(360, 640), (1080, 1920), (144, 176)]


def noisy(size: tuple[int, int], seed: int, grey: float = 90.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(grey, 6.0, (*size, 1))
    return np.repeat(noise, 3, axis=2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_a_sensors_noise_is_no_motion(size: tuple[int, int]) -> None:
    check = MotionCheck()
    found = [check.moved(noisy(size, index), index * 0.04, seen=False) for index in range(20)]
    assert found == [True] + [False] * 19


@pytest.mark.parametrize("size", SIZES)
def test_a_small_face_that_comes_is_motion(size: tuple[int, int]) -> None:
    check = MotionCheck()
    check.moved(noisy(size, 0), 0.0, seen=False)
    # The smallest face that is compared, little brighter than what is behind it.
    face = noisy(size, 1)
    side = max(28, size[1] // 40)
    face[40 : 40 + side, 51 : 51 + side] += 12
    assert check.moved(face, 0.04, seen=False)


def test_what_changes_slowly_adds_up() -> None:
    check = MotionCheck()
    dawn = [np.full((360, 640, 3), 90 + index, np.uint8) for index in range(20)]
    found = [check.moved(picture, index * 0.01, seen=False) for index, picture in enumerate(dawn)]
    assert sum(found) == 4


@pytest.mark.parametrize(("seen", "again_s"), [(True, SEEN_AGAIN_S), (False, EMPTY_AGAIN_S)])
def test_it_looks_again_after_a_while(seen: bool, again_s: float) -> None:
    check = MotionCheck()
    picture = noisy((360, 640), 0)
    times_s = [index * 0.1 for index in range(31)]
    looked_s = [at_s for at_s in times_s if check.moved(picture, at_s, seen=seen)]
    assert looked_s == pytest.approx([index * again_s for index in range(len(looked_s))])
    assert len(looked_s) == int(3.0 / again_s + 1e-6) + 1


def test_another_size_and_a_clock_that_goes_back_are_looked_at() -> None:
    check = MotionCheck()
    check.moved(noisy((360, 640), 0), 5.0, seen=False)
    assert check.moved(noisy((180, 320), 0), 5.1, seen=False)
    assert check.moved(noisy((180, 320), 0), 4.0, seen=False)
