"""The retention clock as properties."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.govern.country_profile import RetentionRule, RetentionRules, load_profile
from lfr_ray.govern.retention_rules import DataClass, Item, due, due_at

RULES = load_profile("uk-police").retention
DAY_S = 86400.0

moments = st.floats(min_value=0, max_value=4e9)
items = st.builds(
    Item,
    id=st.text(max_size=3),
    data_class=st.sampled_from(get_args(DataClass)),
    created_at=moments,
    used_at=st.none() | moments,
    ended_at=st.none() | moments,
    hold_reason=st.sampled_from(["", " ", "evidence in case 7"]),
)


@given(item=items)
def test_nothing_outlives_its_time(item: Item) -> None:
    rule: RetentionRule = getattr(RULES, item.data_class)
    held = bool(item.hold_reason.strip()) and rule.held_max_s is not None
    longest_s = max(rule.max_s, rule.held_max_s or 0.0) if held else rule.max_s
    at, reason = due_at(item, RULES)
    assert item.created_at <= at <= item.created_at + longest_s
    assert reason


@given(item=items)
def test_a_hold_needs_a_reason_and_only_ever_delays(item: Item) -> None:
    free = Item(item.id, item.data_class, item.created_at, item.used_at, item.ended_at)
    assert due_at(item, RULES)[0] >= due_at(free, RULES)[0]
    if not item.hold_reason.strip():
        assert due_at(item, RULES) == due_at(free, RULES)


@given(found=st.lists(items, max_size=8), now_s=moments, later_s=st.floats(min_value=0, max_value=1e9))
def test_what_is_due_stays_due(found: list[Item], now_s: float, later_s: float) -> None:
    now = due(found, RULES, now_s)
    later = due(found, RULES, now_s + later_s)
    assert [one.item for one in now] == [one.item for one in later][: len(now)]
    assert all(one.due_at <= now_s for one in now)
    left = [item for item in found if item not in [one.item for one in now]]
    assert all(due_at(item, RULES)[0] > now_s for item in left)


@given(item=items, set_back_s=st.floats(min_value=0, max_value=1e9))
def test_a_clock_set_back_shortens_no_time(item: Item, set_back_s: float) -> None:
    """A use or an end that claims to lie before the item's beginning counts as its beginning."""
    moved = Item(item.id, item.data_class, item.created_at, item.created_at - set_back_s, item.created_at - set_back_s)
    at_once = Item(item.id, item.data_class, item.created_at, item.created_at, item.created_at)
    assert due_at(moved, RULES) == due_at(at_once, RULES)


@pytest.mark.parametrize(
    ("item", "at"),
    [
        (Item("a", "alert", 0.0), DAY_S),
        (Item("a", "alert", 0.0, used_at=600.0), 600.0 + 3600.0),
        (Item("a", "alert", 0.0, used_at=DAY_S - 60), DAY_S),
        (Item("a", "alert", 0.0, used_at=600.0, hold_reason="evidence"), 31 * DAY_S),
        (Item("a", "watchlist", 0.0, ended_at=8 * 3600.0), 8 * 3600.0 + DAY_S),
        (Item("a", "watchlist", 0.0, hold_reason="useful"), 7 * DAY_S),
        (Item("a", "recording", 0.0), 31 * DAY_S),
        (Item("a", "unmatched", 0.0), 1.0),
    ],
)
def test_the_british_times(item: Item, at: float) -> None:
    assert due_at(item, RULES)[0] == at


def test_every_class_has_a_rule() -> None:
    assert set(get_args(DataClass)) == set(RetentionRules.model_fields)
