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
    Ruling,
    apart_s,
    cautions,
    judge,
)
from lfr_ray.config import AlertConfig
from lfr_ray.records import Match

RULES = AlertRules(cooldown_s=60.0)


def steps(*sightings: RecentAlert, rules: AlertRules = RULES) -> list[str]:
    """What becomes of sightings one after another, each remembered as the desk remembers it."""
    history, found = AlertHistory(), []
    for one in sightings:
        ruling = judge(rules, history, one)
        found.append(ruling.step)
        if ruling.step == "raise":
            history = AlertHistory((*history.recent, one)[-REMEMBERED:])
    return found


def test_first_sighting_raises() -> None:
    assert judge(RULES, AlertHistory(), RecentAlert("a1", 1000.0, 5.0)) == Ruling("raise", "a1")


@pytest.mark.parametrize(("later_s", "step"), [(0.0, "attach"), (59.9, "attach"), (60.0, "raise"), (500.0, "raise")])
def test_cooldown_counts_from_the_alert(later_s: float, step: str) -> None:
    assert steps(RecentAlert("a1", 1000.0, 0.0), RecentAlert("a2", 1000.0 + later_s, later_s)) == ["raise", step]


def test_attached_sightings_do_not_prolong_the_cooldown() -> None:
    seen = [RecentAlert(f"a{number}", 1000.0 + 20 * number, 20.0 * number) for number in range(7)]
    assert steps(*seen) == ["raise", "attach", "attach", "raise", "attach", "attach", "raise"]


def test_a_recording_at_full_speed_is_judged_by_its_own_time() -> None:
    assert steps(RecentAlert("a1", 1000.0, 0.0), RecentAlert("a2", 1001.0, 300.0)) == ["raise", "raise"]


def test_a_clock_set_back_raises_rather_than_hides() -> None:
    assert steps(RecentAlert("a1", 10_000.0, 100.0), RecentAlert("a2", 2_000.0, 105.0)) == ["raise", "raise"]


@pytest.mark.parametrize(("later_s", "step"), [(20.0, "attach"), (70.0, "raise")])
def test_a_camera_whose_process_began_anew_is_judged_by_the_wall(later_s: float, step: str) -> None:
    """Its own time begins at 0 again: 3,600 s would be far from 5 s."""
    for run in "12":  # a recording is opened anew in the same process as well
        before, after = RecentAlert("a1", 10_000.0, 3600.0, "1"), RecentAlert("a2", 10_000.0 + later_s, 5.0, run)
        assert steps(before, after) == ["raise", step]


def test_a_recording_at_full_speed_that_another_process_reads_on_is_judged_by_its_own_time() -> None:
    assert steps(RecentAlert("a1", 1000.0, 1000.0, "1"), RecentAlert("a2", 1020.0, 2000.0, "2")) == ["raise", "raise"]


@pytest.mark.parametrize(("sooner_s", "step"), [(20.0, "attach"), (70.0, "raise")])
def test_what_a_given_up_process_saw_is_judged_by_the_wall_where_it_comes_after_its_successors(
    sooner_s: float, step: str
) -> None:
    successors, late = RecentAlert("a1", 10_000.0, 5.0, "2"), RecentAlert("a2", 10_000.0 - sooner_s, 3600.0, "1")
    assert steps(successors, late) == ["raise", step]


@pytest.mark.parametrize(("behind_s", "step"), [(20.0, "attach"), (70.0, "raise")])
def test_a_new_process_on_a_node_whose_clock_is_behind_is_judged_by_the_walls(behind_s: float, step: str) -> None:
    before, after = RecentAlert("a1", 10_000.0, 3600.0, "1"), RecentAlert("a2", 10_000.0 - behind_s, 5.0, "2")
    assert steps(before, after) == ["raise", step]
    assert steps(before, RecentAlert("a2", 10_000.0, 5.0, "2")) == ["raise", "attach"]


def test_one_process_whose_timelines_both_went_back_raises_rather_than_hides() -> None:
    assert steps(RecentAlert("a1", 10_000.0, 3600.0, "1"), RecentAlert("a2", 9_980.0, 5.0, "1")) == ["raise", "raise"]


def test_a_sighting_that_comes_late_attaches_to_the_alert_of_its_own_time() -> None:
    history = AlertHistory((RecentAlert("a0", 1000.0, 1000.0), RecentAlert("a1", 1100.0, 1100.0)))
    assert judge(RULES, history, RecentAlert("a9", 1010.0, 1010.0)) == Ruling("attach", "a0")


def test_a_heard_key_changes_nothing_even_when_paused() -> None:
    paused = AlertHistory((RecentAlert("a1", 1000.0, 0.0),), "a1", paused_reason="breaker")
    assert judge(RULES, paused, RecentAlert("a2", 9999.0, 0.0)) == Ruling("repeat", "a1")


def test_a_paused_desk_refuses_what_is_new() -> None:
    assert judge(RULES, AlertHistory(paused_reason="breaker"), RecentAlert("a1", 1000.0, 0.0)).step == "refuse"


def test_no_cooldown_means_every_sighting_alerts() -> None:
    seen = [RecentAlert(f"a{number}", 1000.0, 0.0) for number in range(3)]
    assert steps(*seen, rules=AlertRules(cooldown_s=0.0)) == ["raise"] * 3


@given(
    st.lists(st.tuples(st.floats(0, 600), st.floats(0, 600), st.sampled_from("12")), max_size=60), st.floats(0.1, 120)
)
def test_whatever_comes_alerts_are_apart_and_what_attaches_is_near_its_alert(
    seen: list[tuple[float, float, str]], cooldown_s: float
) -> None:
    rules, raised = AlertRules(cooldown_s=cooldown_s), {}
    for number, moments in enumerate(seen):
        new = RecentAlert(f"a{number}", *moments)
        recent = tuple(raised.values())[-REMEMBERED:]
        ruling = judge(rules, AlertHistory(recent), new)
        if ruling.step == "raise":
            assert all(apart_s(alert, new) >= cooldown_s for alert in recent)
            raised[new.alert_id] = new
        else:
            assert apart_s(raised[ruling.alert_id], new) < cooldown_s


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
