"""Whether a sighting is a new alert, belongs to one, or was already heard: functions of values only.

>>> first = SightingFacts("key-1", captured_at=100.0, captured_s=0.0)
>>> ruling, state = judge(AlertRules(cooldown_s=60.0), AlertHistory(), first, new_alert_id="a1")
>>> ruling
Ruling(step='raise', alert_id='a1')
>>> later = SightingFacts("key-2", captured_at=130.0, captured_s=30.0)
>>> judge(AlertRules(cooldown_s=60.0), state, later, new_alert_id="a2")[0]
Ruling(step='attach', alert_id='a1')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from lfr_ray.config import AlertConfig
from lfr_ray.records import Match

REMEMBERED = 8
"""Newest alerts of one entry at one camera that a sighting is held against."""

Caution = Literal["trial", "possible_relative", "small_margin", "single_entry_list", "partly_covered"]


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The numbers that the rules turn on.

    Attributes:
        cooldown_s: One alert per entry and camera in so many seconds; 0: every sighting alerts.
        caution_margin: A lead over the runner-up below this is shown as a caution.
        trial: Nobody authorised this: every alert says that it is a trial with volunteers.
    """

    cooldown_s: float = 60.0
    caution_margin: float = 0.05
    trial: bool = False

    @staticmethod
    def of(config: AlertConfig) -> AlertRules:
        """The rules that a site file asks for."""
        return AlertRules(config.cooldown_s, config.caution_margin)


@dataclass(frozen=True, slots=True)
class SightingFacts:
    """What the rules need of a sighting.

    Attributes:
        key: Idempotency key of the tracklet and entry.
        captured_at: Wall time of the deciding view.
        captured_s: The same moment on the camera's own timeline.
    """

    key: str
    captured_at: float
    captured_s: float


@dataclass(frozen=True, slots=True)
class RecentAlert:
    """An alert that is already recorded for the same entry, camera and deployment."""

    alert_id: str
    captured_at: float
    captured_s: float


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """What is recorded for one entry at one camera in one deployment.

    Attributes:
        recent: Newest alerts, oldest first, at most :data:`REMEMBERED`.
        heard: Idempotency keys that are recorded, with the alert that each went to.
        paused_reason: Why no sighting is taken at all; empty when they are.
    """

    recent: tuple[RecentAlert, ...] = ()
    heard: Mapping[str, str] = field(default_factory=dict)
    paused_reason: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to do with a sighting: raise the alert ``alert_id``, attach to it, only repeat its receipt, or refuse it."""

    step: Literal["raise", "attach", "repeat", "refuse"]
    alert_id: str = ""


def judge(
    rules: AlertRules, state: AlertHistory, facts: SightingFacts, *, new_alert_id: str
) -> tuple[Ruling, AlertHistory]:
    """One alert per entry and camera per cooldown; a key that was heard changes nothing.

    While alerts are paused what is new is refused, and a repeated sighting still gets the answer that it got.

    Time is the sighting's own: a sighting that waited for a database that was down is judged by when it was
    captured. Two moments are apart when *either* timeline says so, because a recording that is
    read at full speed runs faster than the wall, and a wall clock can be set back. When in doubt an
    alert too many is raised, never one too few.

    Returns:
        The ruling and the state after it.
    """
    if facts.key in state.heard:
        return Ruling("repeat", state.heard[facts.key]), state
    if state.paused_reason:
        return Ruling("refuse"), state
    for alert in reversed(state.recent):
        if apart_s(alert, facts) < rules.cooldown_s:
            return Ruling("attach", alert.alert_id), _heard(state, facts.key, alert.alert_id)
    raised = RecentAlert(new_alert_id, facts.captured_at, facts.captured_s)
    state = replace(state, recent=(*state.recent, raised)[-REMEMBERED:])
    return Ruling("raise", new_alert_id), _heard(state, facts.key, new_alert_id)


def apart_s(alert: RecentAlert, facts: SightingFacts) -> float:
    """Seconds between an alert and a sighting, on the timeline on which they are further apart.

    Where the camera's own one went back while the wall's went on, its process began anew: the wall's counts.
    """
    if facts.captured_s < alert.captured_s and facts.captured_at > alert.captured_at:
        return facts.captured_at - alert.captured_at
    return max(abs(facts.captured_at - alert.captured_at), abs(facts.captured_s - alert.captured_s))


def cautions(rules: AlertRules, match: Match) -> tuple[Caution, ...]:
    """What the officer must be warned of besides the similarity.

    A margin says nothing when the list holds one entry, so that is said instead.

    >>> close = Match("e1", "", "wanted", "", 0.8, 0.7, 0.01, "e2", 4, 5, list_size=500, relatives=("e2",))
    >>> cautions(AlertRules(), close)
    ('possible_relative', 'small_margin')
    """
    found: list[Caution] = ["trial"] if rules.trial else []
    if match.relatives:
        found.append("possible_relative")
    if match.list_size <= 1 or not match.runner_up:
        found.append("single_entry_list")
    elif match.margin < rules.caution_margin:
        found.append("small_margin")
    if match.covered:
        found.append("partly_covered")
    return tuple(found)


def _heard(state: AlertHistory, key: str, alert_id: str) -> AlertHistory:
    return replace(state, heard={**state.heard, key: alert_id})
