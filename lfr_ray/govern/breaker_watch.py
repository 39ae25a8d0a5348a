"""The circuit breaker at work: it remembers across restarts, pauses matching on every node, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from lfr_ray.clock import Clock, SystemClock
from lfr_ray.errors import IntegrityError, LfrError, NotFoundError
from lfr_ray.govern.alert_events import AlertFact
from lfr_ray.govern.breaker import BreakerState, Counted, Resumed, step
from lfr_ray.govern.canonical import canonical_json
from lfr_ray.govern.files import read_json, write_durable
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.profile import BreakerRules
from lfr_ray.govern.stop import Switch

PAUSED = "matching paused"
BREAKER = "circuit-breaker"


class Recorder(Protocol):
    """What the breaker needs of the ledger."""

    def append(self, event: Event) -> object:
        """Record an event durably."""


class BreakerWatch:
    """Judges the totals of one deployment whenever they change.

    Args:
        path: Where its state is kept, ``deployments/<id>.breaker``.
        deployment: Id of the deployment.
        rules: Ceiling and confidence.
        switch: The pause that every matcher looks for.
        ledger: Where a pause is recorded.
        clock: Wall time.
    """

    def __init__(
        self,
        path: Path,
        deployment: str,
        rules: BreakerRules,
        switch: Switch,
        ledger: Recorder,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._deployment = deployment
        self._rules = rules
        self._switch = switch
        self._ledger = ledger
        self._clock = clock or SystemClock()
        self._state = _load(path)

    @property
    def state(self) -> BreakerState:
        """What it knows."""
        return self._state

    def update(self, faces: int, false_alerts: int) -> str:
        """Take new totals.

        Args:
            faces: Passages seen in this deployment.
            false_alerts: Confirmed false alerts, volunteers left out; see :func:`confirmed_false`.

        Returns:
            Why matching is paused; empty while it is not. The pause counts even when it cannot be recorded.
        """
        now_s = self._clock.wall_s()
        state = self._state
        if state.paused and not self._switch.is_set():
            # Whoever resumed removed the file, from this process or from another one.
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
