"""When data must go: a pure rule over plain values. Nothing here deletes anything.

Every class of data has a rule in the profile. What is due is decided from when a thing came into
being, was used, was held with a reason, and from the deployment's end; never from when we looked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lfr_ray.govern.country_profile import RetentionRule, RetentionRules

DataClass = Literal["unmatched", "alert", "watchlist", "recording", "ledger", "listing"]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is kept for a time.

    Attributes:
        id: Alert id, deployment id or file name.
        data_class: Which rule counts.
        created_at: Wall time at which it came into being.
        used_at: Wall time of its use (an alert: its outcome was recorded), or None.
        ended_at: Wall time of its deployment's end or close, or None while that is not known.
        hold_reason: Why it is held beyond its time; empty when it is not.
    """

    id: str
    data_class: DataClass
    created_at: float
    used_at: float | None = None
    ended_at: float | None = None
    hold_reason: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time is over."""

    item: Item
    due_at: float
    reason: str


def due_at(item: Item, rules: RetentionRules) -> tuple[float, str]:
    """When an item must be destroyed at the latest, and by which clause.

    A hold needs a reason, a rule that knows holds, and ends too. Moments that lie before the item's
    own beginning count as its beginning, so that a clock that was set back shortens no time.

    Returns:
        Wall time (infinity: never) and a few words.
    """
    rule: RetentionRule = getattr(rules, item.data_class)
    if item.hold_reason.strip() and rule.held_max_s is not None:
        return item.created_at + max(rule.max_s, rule.held_max_s), "the longest hold is over"
    moments = [(item.created_at + rule.max_s, "its retention time is over")]
    if item.used_at is not None and rule.after_use_s is not None:
        moments.append((max(item.used_at, item.created_at) + rule.after_use_s, "it was used"))
    if item.ended_at is not None and rule.after_end_s is not None:
        moments.append((max(item.ended_at, item.created_at) + rule.after_end_s, "the deployment is over"))
    return min(moments)


def due(items: Iterable[Item], rules: RetentionRules, now_s: float) -> tuple[Due, ...]:
    """What must be destroyed now, the longest overdue first."""
    found = [Due(item, *due_at(item, rules)) for item in items]
    return tuple(sorted((one for one in found if one.due_at <= now_s), key=lambda one: (one.due_at, one.item.id)))
