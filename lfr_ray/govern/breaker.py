"""The circuit breaker: alerts pause by themselves when too many of them may be false.

It is judged when a false alert is confirmed, and then on the exact upper bound of the rate of false
alerts for each face seen. Before the first false alert there is nothing to judge: the bound of no
false alert in few faces is high for want of faces alone. Whoever resumes accepts the false
alerts until then; one more, with the bound still above the ceiling, pauses again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from lfr_ray.clock import Clock, SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError, LfrError, NotFoundError
from lfr_ray.files import read_json, write_durable
from lfr_ray.govern.alert_events import AlertFact
from lfr_ray.govern.canonical import canonical_json
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import PAUSED
from lfr_ray.govern.profile import BreakerRules
from lfr_ray.govern.stop import Halts, breaker_pause
from lfr_ray.stats import upper_bound

BREAKER = "circuit-breaker"


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What the breaker knows of one deployment.

    Attributes:
        faces: Tracklets seen.
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
    """The present totals of the deployment, from the alerts and the cameras. They replace the ones before."""

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


class Recorder(Protocol):
    """What the breaker needs of the ledger."""

    def append(self, event: Event) -> object:
        """Record an event durably."""


class CircuitBreaker:
    """Judges the totals of one deployment whenever they change. It remembers across restarts.

    Args:
        data_dir: The site's folder: its state and the pause that every matcher looks for lie there.
        deployment: Id of the deployment.
        rules: Ceiling and confidence.
        ledger: Where a pause is recorded.
        clock: Wall time.
    """

    def __init__(
        self,
        data_dir: DataDir,
        deployment: str,
        rules: BreakerRules,
        ledger: Recorder,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._path = data_dir.breaker(deployment)
        self._deployment = deployment
        self._rules = rules
        self._switch = breaker_pause(data_dir)
        self._halts = Halts(data_dir)
        self._ledger = ledger
        self._clock = clock or SystemClock()
        self._state = _load(self._path)

    @property
    def state(self) -> BreakerState:
        """What it knows."""
        return self._state

    def update(self, faces: int, false_alerts: int) -> str:
        """Take new totals.

        Args:
            faces: Tracklets seen in this deployment.
            false_alerts: Confirmed false alerts, volunteers left out; see :func:`confirmed_false`.

        Returns:
            Why matching is paused; empty while it is not. The pause counts even when it cannot be recorded.
        """
        now_s = self._clock.wall_s()
        state = self._state
        if state.paused and "pause" not in self._halts.read():
            # Whoever resumed is in the ledger; that the file was removed is not enough.
            state, _ = step(self._rules, state, Resumed("operator"), now_s)
        state, tripped = step(self._rules, state, Counted(faces, false_alerts), now_s)
        if tripped:
            self._switch.set(BREAKER, state.paused, now_s)
        if state != self._state:
            write_durable(self._path, canonical_json(asdict(state)) + b"\n", 0o600)
            self._state = state
        if tripped:
            event = Event("stop", PAUSED, deployment=self._deployment, actor=BREAKER, reason=state.paused)
            self._ledger.append(event)
        return state.paused


def confirmed_false(alerts: Iterable[AlertFact]) -> int:
    """Confirmed false alerts of the police list: what the breaker counts."""
    return sum(alert.is_false and bool(alert.confirmed) and not alert.blue for alert in alerts)


def _load(path: Path) -> BreakerState:
    try:
        return BreakerState(**read_json(path, "the circuit breaker's state"))
    except NotFoundError:
        return BreakerState()
    except (LfrError, TypeError):
        raise IntegrityError(
            "the circuit breaker's state is damaged",
            got=path.name,
            next_step="remove the file: earlier false alerts then count as not accepted",
        ) from None
