"""Events to the outputs of the site file: at least once, in order, each output in a thread of its own.

An output that hangs or is away keeps its own position, and delays nobody. What it has not taken is sent again, under
the same key.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.event_kinds import CHOSEN_KINDS
from lfr_ray.alert.output_positions import SITE_FILE, OutputStore
from lfr_ray.alert.webhook_delivery import event_key
from lfr_ray.clock import Clock, backoff_s
from lfr_ray.metrics import Meter
from lfr_ray.records import FeedEvent
from lfr_ray.structured_logs import get_logger
from lfr_ray.tracing import Traces

POLL_S = 0.5
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
SILENT_S = 90.0
"""Nobody has said for so long how cameras are: the last word does not count any more."""
SENT_AT_ONCE = 100

log = get_logger()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event on its way out.

    Attributes:
        key: The same at every repeat, and of no other event anywhere.
        name: Of whom the alert is; empty unless the output may know.
    """

    event: FeedEvent
    key: str
    name: str = ""


class Sink(Protocol):
    """One receiver. Whatever any method raises means: away, or refused; it is then opened anew."""

    name: str
    target: str
    """Scheme, host and port."""
    names: bool
    """It may know whom an alert is of."""

    def open(self) -> None:
        """Connect."""

    def send(self, events: Sequence[Outgoing], cameras: Mapping[str, str]) -> None:
        """These events, in order, have arrived when it returns; called with none too: is the receiver there?

        ``cameras`` is the state of each camera, by name.
        """

    def close(self) -> None:
        """Never raises."""


class Outputs:
    """All outputs of a site, until cancelled. Run one of them on a database."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        alerts: AlertService,
        clock: Clock,
        meter: Meter,
        traces: Traces | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self.poll_s, self.meter, self.traces = poll_s, meter, traces
        self.alerts, self.clock = alerts, clock
        self.store = OutputStore(alerts.store.database)
        self.database_id = alerts.store.database_id()
        self._sinks = sinks
        self._cameras: Mapping[str, str] = {}
        self._heard_s = clock.steady_s()
        self.store.begin({one.name: one.target for one in sinks}, clock.wall_s())
        alerts.report()

    async def run(self) -> None:
        """Deliver until cancelled. The threads are not of the pool in which the desk works: a few may hang."""
        stop = threading.Event()
        for sink in self._sinks:
            threading.Thread(
                target=_Line(self, sink).run, args=(stop,), name=f"output-{sink.name}", daemon=True
            ).start()
        try:
            await asyncio.Event().wait()
        finally:
            stop.set()

    def hear(self, cameras: Mapping[str, str]) -> None:
        """How every camera is: its state by name."""
        self._cameras, self._heard_s = cameras, self.clock.steady_s()

    def cameras(self) -> Mapping[str, str]:
        """How every camera is, as far as somebody has said it lately."""
        silent = self.clock.steady_s() - self._heard_s > SILENT_S
        return dict.fromkeys(self._cameras, "unknown") if silent else self._cameras


class _Line:
    """One output's thread."""

    def __init__(self, outputs: Outputs, sink: Sink) -> None:
        self._outputs, self._sink = outputs, sink
        self._waiting_since: float | None = None
        self._disclosed_id = 0
        self._open = False

    def run(self, stop: threading.Event) -> None:
        failures, pause_s, name = 0, 0.0, self._sink.name
        while not stop.wait(pause_s):
            try:
                self._turn(stop)
                failures, pause_s = 0, self._outputs.poll_s
            except Exception as error:  # noqa: BLE001  (its own trouble: it goes on where it was)
                failures += 1
                pause_s = backoff_s(
                    failures,
                    first_s=FIRST_WAIT_S,
                    longest_s=LONGEST_WAIT_S,
                    draw=0.5 + 0.5 * random.random(),  # noqa: S311 (spreads load, guards nothing)
                )
                self._sink.close()
                self._open = False
                self._outputs.meter.count("output_deliveries_total", output=name, outcome="failed")
                if failures == 1:  # the class only: the text may hold what is secret
                    log.warning("an output takes nothing", output=name, error=type(error).__name__)
            lag_s = 0.0 if self._waiting_since is None else self._outputs.clock.wall_s() - self._waiting_since
            self._outputs.meter.gauge("output_lag_seconds", max(0.0, lag_s), output=name)
            self._outputs.meter.gauge("output_failing", float(failures > 0), output=name)
        self._sink.close()

    def _turn(self, stop: threading.Event) -> None:
        """Everything that waits, and at least a look whether the receiver is there."""
        outputs, sink = self._outputs, self._sink
        while not stop.is_set():
            read = outputs.alerts.events_after(outputs.store.sent_event_id(sink.name), SENT_AT_ONCE)
            events = [one for one in read if one.kind in CHOSEN_KINDS]
            self._waiting_since = events[0].at if events else None
            if not self._open:
                sink.open()
                self._open = True
            began_at = outputs.clock.wall_s()
            sink.send([self._outgoing(one) for one in events], outputs.cameras())
            if outputs.traces is not None:
                for one in events:
                    outputs.traces.delivered(one.kind, one.alert_id, began_at, sink.name, "delivered")
            if not read:
                return
            outputs.store.mark(sink.name, read[-1].id)
            outputs.meter.count("output_deliveries_total", len(events), output=sink.name, outcome="delivered")

    def _outgoing(self, event: FeedEvent) -> Outgoing:
        key, alerts = event_key(self._outputs.database_id, event.id), self._outputs.alerts
        found = alerts.store.alerts([event.alert_id]) if self._sink.names and event.alert_id else {}
        if not found:
            return Outgoing(event, key)
        (stored,) = found.values()
        if event.id > self._disclosed_id:
            alerts.disclosed(
                to=self._sink.target,
                subscription_id=self._sink.name,
                event_id=event.id,
                alert=stored.alert,
                by=SITE_FILE,
            )
            self._disclosed_id = event.id
        return Outgoing(event, key, stored.alert.name)
