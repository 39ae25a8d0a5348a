"""The circuit breaker: alerts pause by themselves when too many of them may be false.

It is judged when a false alert is confirmed, and then on the exact upper bound of the rate of false
alerts for each face seen. Before the first false alert there is nothing to judge: the bound of no
false alert in few faces is high for want of faces alone. Whoever resumes accepts the false
alerts until then; one more, with the bound still above the ceiling, pauses again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lfr_ray.govern.profile import BreakerRules
from lfr_ray.stats import upper_bound


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What the breaker knows of one deployment.

    Attributes:
        faces: Passages seen.
        false_alerts: Confirmed false alerts of the police list; volunteers do not count.
        accepted: Of them, those until the last resumption.
        paused: Why alerts are paused; empty while they are not.
        paused_at: Wall time of the pause.
    """

    faces: int = 0
    false_alerts: int = 0
    accepted: int = 0
    paused: str = ""
    paused_at: float | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """The present totals of the deployment, from the desk and the cameras. They replace the ones before."""

    faces: int
    false_alerts: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """Somebody who may has looked into it and resumes."""

    by: str


def step(rules: BreakerRules, state: BreakerState, event: Counted | Resumed, now_s: float) -> tuple[BreakerState, bool]:
    """What follows from an event.

    Args:
        rules: Ceiling and confidence, from the profile.
        state: What was known.
        event: New totals, or a resumption.
        now_s: Wall time.

    Returns:
        The state after it, and whether alerts were paused by this event.
    """
    if isinstance(event, Resumed):
        return replace(state, accepted=state.false_alerts, paused="", paused_at=None), False
    # A corrected outcome can take a false alert away again; then fewer than were accepted are left.
    accepted = min(state.accepted, event.false_alerts)
    fresh = replace(state, faces=event.faces, false_alerts=event.false_alerts, accepted=accepted)
    if fresh.paused or fresh.false_alerts <= accepted or fresh.false_alerts < rules.min_false_alerts:
        return fresh, False
    bound = bound_of(rules, fresh)
    if bound <= rules.ceiling:
        return fresh, False
    return replace(fresh, paused=_why(rules, fresh, bound), paused_at=now_s), True


def bound_of(rules: BreakerRules, state: BreakerState) -> float:
    """Upper bound of the false-alert rate. More false alerts than faces are as many as faces."""
    faces = max(state.faces, state.false_alerts)
    return upper_bound(state.false_alerts, faces, rules.confidence) if faces else 0.0


def _why(rules: BreakerRules, state: BreakerState, bound: float) -> str:
    return (
        f"{state.false_alerts} confirmed false alerts in {state.faces} faces: with {rules.confidence:.0%} confidence "
        f"the rate may be as high as 1 in {1 / bound:.0f}, the ceiling is 1 in {1 / rules.ceiling:.0f}"
    )
