"""The choice of views: spaced, gated, and only clearly better ones replace others."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.config import EvidenceConfig
from lfr_ray.records import Quality
from lfr_ray.track.best_shot import TakenViews, choose

CONFIG = EvidenceConfig(max_views=4, min_views=3, min_agreeing=3, spacing_s=0.1)


def quality(value: float, reason: str = "") -> Quality:
    return Quality(60, 100, 128, 0, 0, 0, 0.9, value, reason)


def test_a_refused_view_is_never_taken() -> None:
    choice, taken = choose(CONFIG, TakenViews(), quality(0.9, "blurred"), 0, 0.0)
    assert not choice.take
    assert taken == TakenViews()


def test_a_full_tracklet_swaps_its_worst_view_for_a_clearly_better_one() -> None:
    taken = TakenViews()
    for key, value in enumerate((0.5, 0.3, 0.6, 0.7)):
        choice, taken = choose(CONFIG, taken, quality(value), key, key * 0.2)
        assert choice.take
    assert not choose(CONFIG, taken, quality(0.31), 4, 1.0)[0].take, "hardly better: not worth an embedding"
    choice, taken = choose(CONFIG, taken, quality(0.9), 5, 1.0)
    assert choice.take
    assert choice.drop == 1
    assert sorted(key for _, key in taken.kept) == [0, 2, 3, 5]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.5), st.booleans()), max_size=60))
def test_never_too_many_never_too_close(arrivals: list[tuple[float, float, bool]]) -> None:
    taken, now_s, taken_s = TakenViews(), 0.0, []
    for key, (value, step_s, refused) in enumerate(arrivals):
        now_s += step_s
        choice, taken = choose(CONFIG, taken, quality(value, "turned" if refused else ""), key, now_s)
        if choice.take:
            assert not refused
            taken_s.append(now_s)
        assert len(taken.kept) <= CONFIG.max_views
    assert all(later - earlier >= CONFIG.spacing_s - 1e-5 for earlier, later in itertools.pairwise(taken_s))
