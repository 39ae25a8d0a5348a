"""When alerts pause by themselves."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.govern.circuit_breaker import BreakerState, bound_of, judged, resumed
from lfr_ray.govern.country_profile import BreakerRules

RULES = BreakerRules(ceiling=0.001)


def test_faces_alone_never_pause() -> None:
    state = BreakerState()
    for faces in (0, 1, 100, 100_000):
        state, tripped = judged(RULES, state, faces, 0, 0.0)
        assert not tripped
    assert not state.paused


def test_a_false_alert_in_few_faces_pauses_and_says_so() -> None:
    state, tripped = judged(RULES, BreakerState(), 900, 1, 77.0)
    assert tripped
    assert state.paused_at == 77.0
    assert "1 confirmed false alerts in 900 faces" in state.paused
    assert "ceiling is 1 in 1000" in state.paused


def test_a_false_alert_in_many_faces_does_not() -> None:
    state, tripped = judged(RULES, BreakerState(), 20_000, 1, 0.0)
    assert not tripped
    assert bound_of(RULES, state) < 0.001


def test_who_resumes_accepts_what_was() -> None:
    state, _ = judged(RULES, BreakerState(), 900, 1, 0.0)
    state = resumed(state)
    state, tripped = judged(RULES, state, 950, 1, 2.0)
    assert not tripped
    state, tripped = judged(RULES, state, 960, 2, 3.0)
    assert tripped


def test_a_corrected_outcome_counts_no_more() -> None:
    state, _ = judged(RULES, BreakerState(), 900, 2, 0.0)
    state = resumed(state)
    state, _ = judged(RULES, state, 950, 1, 2.0)
    _, tripped = judged(RULES, state, 960, 2, 3.0)
    assert tripped, "a new false alert after a withdrawn one is judged"


def test_a_profile_may_want_more_than_one() -> None:
    rules = BreakerRules(ceiling=0.001, min_false_alerts=3)
    state, tripped = judged(rules, BreakerState(), 10, 2, 0.0)
    assert not tripped
    assert judged(rules, state, 10, 3, 0.0)[1]


def test_more_false_alerts_than_faces_is_still_a_rate() -> None:
    assert judged(RULES, BreakerState(), 0, 2, 0.0)[1]


@settings(deadline=None)
@given(counts=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 1)), max_size=15))
def test_it_pauses_exactly_when_a_new_false_alert_meets_a_bound_above_the_ceiling(
    counts: list[tuple[int, int]],
) -> None:
    state = BreakerState()
    faces = false_alerts = 0
    for more, wrong in counts:
        faces += more + wrong
        false_alerts += wrong
        before = state
        state, tripped = judged(RULES, state, faces, false_alerts, 5.0)
        above = bound_of(RULES, state) > RULES.ceiling
        assert tripped == (not before.paused and false_alerts > before.accepted and above)
        assert bool(state.paused) == (bool(before.paused) or tripped)
        if state.paused and more % 2:
            state = resumed(state)
