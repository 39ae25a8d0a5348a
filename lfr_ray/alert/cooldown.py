"""Whether a sighting is a new alert, belongs to one, or was already heard: functions of values only.

>>> first, later = RecentAlert("a1", 100.0, 0.0), RecentAlert("a2", captured_at=130.0, captured_s=30.0)
>>> judge(AlertRules(cooldown_s=60.0), AlertHistory(), first)
Ruling(step='raise', alert_id='a1')
>>> judge(AlertRules(cooldown_s=60.0), AlertHistory((first,)), later)
Ruling(step='attach', alert_id='a1')
"""

from __future__ import annotations

from dataclasses import dataclass
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
class RecentAlert:
    """An alert of one entry at one camera in one deployment: one that is recorded, or that a sighting would be.

    Attributes:
        captured_at: Wall time of the deciding view.
        captured_s: The same moment on the camera's own timeline.
        run: Of the process whose timeline that is.
    """

    alert_id: str
    captured_at: float
    captured_s: float
    run: str = ""


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """What is recorded when a sighting comes, for its entry at its camera in its deployment.

    Attributes:
        recent: Newest alerts, oldest first, at most :data:`REMEMBERED`.
        heard: The alert to which this very sighting went before; empty: it is new.
        paused_reason: Why no sighting is taken at all; empty when they are.
    """

    recent: tuple[RecentAlert, ...] = ()
    heard: str = ""
    paused_reason: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to do with a sighting: raise the alert ``alert_id``, attach to it, only repeat its receipt, or refuse it."""

    step: Literal["raise", "attach", "repeat", "refuse"]
    alert_id: str = ""


def judge(rules: AlertRules, history: AlertHistory, new: RecentAlert) -> Ruling:
    """One alert per entry and camera per cooldown; a key that was heard changes nothing.

    While alerts are paused what is new is refused, and a repeated sighting still gets the answer that it got.

    Time is the sighting's own: a sighting that waited for a database that was down is judged by when it was
    captured. Two moments are apart when *either* timeline says so, because a recording that is
    read at full speed runs faster than the wall, and a wall clock can be set back. When in doubt an
    alert too many is raised, never one too few.
    """
    if history.heard:
        return Ruling("repeat", history.heard)
    if history.paused_reason:
        return Ruling("refuse")
    for alert in reversed(history.recent):
        if apart_s(alert, new) < rules.cooldown_s:
            return Ruling("attach", alert.alert_id)
    return Ruling("raise", new.alert_id)


def apart_s(alert: RecentAlert, new: RecentAlert) -> float:
    """Seconds between an alert and a sighting, on the timeline on which they are further apart.

    Where the camera's own one went back while the wall's went on, it began anew: the wall's counts. So it does between
    two processes where one of the timelines goes back: what a given-up one saw comes after its successor's, or the new
    one's node has a clock that is behind.
    """
    own_s, walls_s = new.captured_s - alert.captured_s, new.captured_at - alert.captured_at
    began_anew = own_s < 0 < walls_s
    replaced = new.run != alert.run and min(walls_s, own_s) < 0
    return abs(walls_s) if began_anew or replaced else max(abs(walls_s), abs(own_s))


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
