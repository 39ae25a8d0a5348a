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
from typing import TYPE_CHECKING

from lfr_ray.clock import Clock, SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.errors import IntegrityError, LfrError, NotFoundError
from lfr_ray.govern.alert_ledger_events import AlertFact
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.country_profile import BreakerRules
from lfr_ray.govern.emergency_stop import Halts, breaker_pause
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import PAUSED
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.stats import upper_bound

if TYPE_CHECKING:
    from lfr_ray.govern.ledger import Ledger

BREAKER = "circuit-breaker"
ACCEPTED = "false alerts accepted"
"""With how many, by whoever resumed. What the file says besides was written by nobody who may."""


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


def resumed(state: BreakerState) -> BreakerState:
    """Somebody who may has looked into it: the false alerts until now are accepted."""
    return replace(state, accepted=state.false_alerts, paused="", paused_at=None)


def judged(
    rules: BreakerRules, state: BreakerState, faces: int, false_alerts: int, now_s: float
) -> tuple[BreakerState, bool]:
    """The state with the deployment's present totals, and whether they pause alerts; ``now_s`` is wall time."""
    # A corrected outcome can take a false alert away again; then fewer than were accepted are left.
    accepted = min(state.accepted, false_alerts)
    fresh = replace(state, faces=faces, false_alerts=false_alerts, accepted=accepted)
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


class CircuitBreaker:
    """Judges the totals of one deployment whenever they change, and records a pause. It remembers across restarts."""

    def __init__(
        self, data_dir: DataDir, deployment: str, rules: BreakerRules, ledger: Ledger, *, clock: Clock | None = None
    ) -> None:
        self._path = data_dir.breaker(deployment)
        self._deployment = deployment
        self._rules = rules
        self._switch = breaker_pause(data_dir)
        self._halts = Halts(data_dir)
        self._ledger = ledger
        self._clock = clock or SystemClock()
        accepted = [
            one["facts"]["count"]
            for one in read_records(data_dir)
            if one["what"] == ACCEPTED and one["deployment"] == deployment
        ]
        state = _load(self._path)
        self.state = replace(state, accepted=min(state.accepted, max(accepted, default=0)))

    def update(self, faces: int, false_alerts: int) -> str:
        """Take new totals: tracklets seen, and confirmed false alerts without volunteers', see :func:`confirmed_false`.

        Returns:
            Why matching is paused; empty while it is not. The pause counts even when it cannot be recorded.
        """
        now_s = self._clock.wall_s()
        state, events = self.state, list[Event]()
        if state.paused and "pause" not in self._halts.read():
            # Whoever resumed is in the ledger; that the file was removed is not enough.
            state = resumed(state)
            facts = {"count": state.accepted}
            events.append(Event("alteration", ACCEPTED, self._deployment, BREAKER, facts=facts))
        state, tripped = judged(self._rules, state, faces, false_alerts, now_s)
        if tripped:
            self._switch.set(BREAKER, state.paused, now_s)
        if state != self.state:
            write_durable(self._path, canonical_json(asdict(state)) + b"\n", 0o600)
            self.state = state
        if tripped:
            events.append(Event("stop", PAUSED, deployment=self._deployment, actor=BREAKER, reason=state.paused))
        if events:  # after the state: what the ledger keeps for later is not appended again with the next totals
            self._ledger.append_many(events)
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
