"""One alert per entry and camera per cooldown, in every order in which sightings may come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.alert.cooldown import (
    REMEMBERED,
    AlertHistory,
    AlertRules,
    RecentAlert,
    SightingFacts,
    apart_s,
    cautions,
    judge,
)
from lfr_ray.config import AlertConfig
from lfr_ray.records import Match

RULES = AlertRules(cooldown_s=60.0)


def test_first_sighting_raises() -> None:
    ruling, state = judge(RULES, AlertHistory(), SightingFacts("k1", 1000.0, 5.0), new_alert_id="a1")
    assert (ruling.step, ruling.alert_id) == ("raise", "a1")
    assert state.recent == (RecentAlert("a1", 1000.0, 5.0),)
    assert state.heard == {"k1": "a1"}


@pytest.mark.parametrize(("later_s", "step"), [(0.0, "attach"), (59.9, "attach"), (60.0, "raise"), (500.0, "raise")])
def test_cooldown_counts_from_the_alert(later_s: float, step: str) -> None:
    _, state = judge(RULES, AlertHistory(), SightingFacts("k1", 1000.0, 0.0), new_alert_id="a1")
    ruling, _ = judge(RULES, state, SightingFacts("k2", 1000.0 + later_s, later_s), new_alert_id="a2")
    assert ruling.step == step


def test_attached_sightings_do_not_prolong_the_cooldown() -> None:
    state = AlertHistory()
    steps = []
    for number in range(7):
        facts = SightingFacts(f"k{number}", 1000.0 + 20 * number, 20.0 * number)
        ruling, state = judge(RULES, state, facts, new_alert_id=f"a{number}")
        steps.append(ruling.step)
    assert steps == ["raise", "attach", "attach", "raise", "attach", "attach", "raise"]


def test_a_recording_at_full_speed_is_judged_by_its_own_time() -> None:
    _, state = judge(RULES, AlertHistory(), SightingFacts("k1", 1000.0, 0.0), new_alert_id="a1")
    ruling, _ = judge(RULES, state, SightingFacts("k2", 1001.0, 300.0), new_alert_id="a2")
    assert ruling.step == "raise"


def test_a_clock_set_back_raises_rather_than_hides() -> None:
    _, state = judge(RULES, AlertHistory(), SightingFacts("k1", 10_000.0, 100.0), new_alert_id="a1")
    ruling, _ = judge(RULES, state, SightingFacts("k2", 2_000.0, 105.0), new_alert_id="a2")
    assert ruling.step == "raise"


@pytest.mark.parametrize(("later_s", "step"), [(20.0, "attach"), (70.0, "raise")])
def test_a_camera_whose_process_began_anew_is_judged_by_the_wall(later_s: float, step: str) -> None:
    """Its own time begins at 0 again: 3,600 s would be far from 5 s."""
    _, state = judge(RULES, AlertHistory(), SightingFacts("k1", 10_000.0, 3600.0), new_alert_id="a1")
    ruling, _ = judge(RULES, state, SightingFacts("k2", 10_000.0 + later_s, 5.0), new_alert_id="a2")
    assert ruling.step == step


def test_a_sighting_that_comes_late_attaches_to_the_alert_of_its_own_time() -> None:
    state = AlertHistory()
    for number, at in enumerate((1000.0, 1100.0)):
        facts = SightingFacts(f"k{number}", at, at)
        _, state = judge(RULES, state, facts, new_alert_id=f"a{number}")
    ruling, _ = judge(RULES, state, SightingFacts("late", 1010.0, 1010.0), new_alert_id="a9")
    assert (ruling.step, ruling.alert_id) == ("attach", "a0")


def test_a_heard_key_changes_nothing_even_when_paused() -> None:
    _, state = judge(RULES, AlertHistory(), SightingFacts("k1", 1000.0, 0.0), new_alert_id="a1")
    paused = AlertHistory(state.recent, state.heard, paused_reason="breaker")
    ruling, after = judge(RULES, paused, SightingFacts("k1", 9999.0, 0.0), new_alert_id="a2")
    assert (ruling.step, ruling.alert_id) == ("repeat", "a1")
    assert after == paused


def test_a_paused_desk_refuses_what_is_new() -> None:
    paused = AlertHistory(paused_reason="breaker")
    ruling, after = judge(RULES, paused, SightingFacts("k1", 1000.0, 0.0), new_alert_id="a1")
    assert ruling.step == "refuse"
    assert after == paused


def test_no_cooldown_means_every_sighting_alerts() -> None:
    rules = AlertRules(cooldown_s=0.0)
    state = AlertHistory()
    for number in range(3):
        ruling, state = judge(rules, state, SightingFacts(f"k{number}", 1000.0, 0.0), new_alert_id=f"a{number}")
        assert ruling.step == "raise"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.floats(0, 600), st.floats(0, 600)), max_size=60),
    st.floats(0.1, 120),
)
def test_whatever_comes_each_key_has_one_alert_and_alerts_are_apart(
    seen: list[tuple[int, float, float]], cooldown_s: float
) -> None:
    rules = AlertRules(cooldown_s=cooldown_s)
    state = AlertHistory()
    went: dict[str, str] = {}
    for number, (key, at, own_s) in enumerate(seen):
        facts = SightingFacts(f"k{key}", at, own_s)
        before = state.recent
        ruling, state = judge(rules, state, facts, new_alert_id=f"a{number}")
        assert went.setdefault(facts.key, ruling.alert_id) == ruling.alert_id
        assert len(state.recent) <= REMEMBERED
        if ruling.step == "raise":
            assert all(apart_s(alert, facts) >= cooldown_s for alert in before)


def test_rules_come_from_the_site_file() -> None:
    assert AlertRules.of(AlertConfig(cooldown_s=5.0, caution_margin=0.1)) == AlertRules(5.0, 0.1)


@pytest.mark.parametrize(
    ("margin", "list_size", "relatives", "runner_up", "expected"),
    [
        (0.2, 500, (), "e2", ()),
        (0.01, 500, (), "e2", ("small_margin",)),
        (0.2, 500, ("e2",), "e2", ("possible_relative",)),
        (2.0, 1, (), "", ("single_entry_list",)),
    ],
)
def test_cautions(
    margin: float, list_size: int, relatives: tuple[str, ...], runner_up: str, expected: tuple[str, ...]
) -> None:
    found = Match("e1", "", "wanted", "", 0.8, 0.7, margin, runner_up, 4, 5, list_size, relatives=relatives)
    got = cautions(AlertRules(), found)
    assert got == expected
