r"""The alert desk: sightings in, durable alerts out, decided by people, every step accounted for.

sighting --rules--> alert --case rules--> decision --> outcome
     \------------- events (append-only) -------------> feed, webhooks, ledger
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lfr_ray.alert.document import alert_document, event_document
from lfr_ray.alert.queries import AlertQuery, StoredAlert, StoredEvent
from lfr_ray.alert.rules import AlertHistory, AlertRules, Ruling, SightingFacts, judge
from lfr_ray.alert.store import AlertStore
from lfr_ray.clock import Clock
from lfr_ray.errors import InputError, RefusedError
from lfr_ray.records import CaseRecord, Sighting

OnEvent = Callable[[str, Mapping[str, Any]], None]
Documents = list[dict[str, Any]]
MAX_REASON = 500


class Cases(Protocol):
    """The case rules, as ``adjudicate.case.CaseRules`` has them."""

    @property
    def verdicts_needed(self) -> int:
        """Officers who must decide before a new alert is decided."""

    def admit(self, verdicts_needed: int, records: tuple[CaseRecord, ...], draft: CaseRecord) -> None:
        """Allow a record to be added, or raise."""

    def summary(self, verdicts_needed: int, raised_at: float, records: tuple[CaseRecord, ...]) -> dict[str, Any]:
        """The case's part of the document; ``status`` is "new" or "decided"."""

    def facts(self, verdicts_needed: int, raised_at: float, records: tuple[CaseRecord, ...]) -> dict[str, Any]:
        """What the ledger keeps of the newest record."""


@dataclass(frozen=True, slots=True)
class AlertReceipt:
    """The alert that a sighting went to, and whether it was raised by it just now."""

    alert_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One page of documents.

    Attributes:
        next_cursor: For the page after it; empty after the last.
        event_id: The feed's newest id when the page was read: a stream resumed there misses nothing.
    """

    alerts: list[dict[str, Any]]
    next_cursor: str
    event_id: int


class AlertService:
    """One order of events, durable before it is acknowledged.

    Safe to call from several threads, and from several processes on one database.

    Args:
        store: The durable memory.
        rules: Cooldown and cautions.
        clock: Where the time of a record comes from.
        cases: What people may record, and in which order.
        on_event: Called with every step in the feed's order, after it is durable and before it is
            acknowledged: ``(kind, facts)``; no picture, name or note is in the facts. When it raises, the step
            stands but is not acknowledged, and it is reported again before the next one.
        reported_event_id: The last event that ``on_event`` has accounted for (a ledger knows); later ones are
            reported first. None: whatever is recorded now counts as reported.
    """

    def __init__(
        self,
        store: AlertStore,
        rules: AlertRules,
        clock: Clock,
        *,
        cases: Cases,
        on_event: OnEvent | None = None,
        reported_event_id: int | None = None,
    ) -> None:
        self.store = store
        self._rules = rules
        self._clock = clock
        self._cases = cases
        self._on_event = on_event
        self._reported_id = store.newest_event_id() if reported_event_id is None else reported_event_id
        self._turn = threading.RLock()
        self._reporting = False
        self._refused = 0

    # --- sightings ---

    def raise_alert(self, sighting: Sighting) -> AlertReceipt:
        """Record a sighting: a new alert, or one more sighting of a recent one.

        Durable before it returns. The same ``sighting.key`` always gets the same alert, however often
        and from however many processes it is sent.

        Raises:
            RefusedError: The desk is paused; the sighting is counted and nothing of it is kept.
            StoreError: Nothing was recorded, or it was recorded and the answer was lost: send it again.
            InputError: The sighting has no key or no face.
        """
        _check_sighting(sighting)
        ruling = self.store.raise_sighting(
            sighting,
            self._judge,
            now_s=self._clock.wall_s(),
            verdicts_needed=self._cases.verdicts_needed,
            facts=_sighting_facts(sighting),
        )
        if ruling.step == "refuse":
            self._refused += 1
            self._tell("sighting_refused", {"camera": sighting.camera, "deployment": sighting.deployment})
            raise RefusedError(
                "the alert desk is paused",
                got=self.store.paused_reason(),
                next_step="resume it when the cause is gone; cameras go on meanwhile",
            )
        self.report()
        return AlertReceipt(ruling.alert_id, ruling.step == "raise")

    @property
    def refused(self) -> int:
        """Sightings that this desk refused while it was paused."""
        return self._refused

    def pause(self, *, by: str, reason: str) -> None:
        """Take no more sightings, also after a restart, until :meth:`resume`."""
        self.store.set_paused(by=by, reason=_reason(reason), now_s=self._clock.wall_s())
        self.report()

    def resume(self, *, by: str) -> None:
        """Take sightings again."""
        self.store.set_paused(by=by, reason="", now_s=self._clock.wall_s())
        self.report()

    def paused_reason(self) -> str:
        """Why the desk is paused; empty when it is not."""
        return self.store.paused_reason()

    # --- reading ---

    def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        event_id = self.store.newest_event_id()
        alerts, cursor = self.store.page(query)
        return AlertPage([self._document(alert) for alert in alerts], cursor, event_id)

    def get(self, alert_id: str) -> dict[str, Any]:
        """One alert's document.

        Raises:
            NotFoundError: There is none with this id.
        """
        return self._document(self.store.alert(alert_id))

    def image(self, alert_id: str, kind: str) -> bytes:
        """One JPEG: face, watchlist or scene.

        Raises:
            NotFoundError: No such alert, kind or picture.
        """
        return self.store.image(alert_id, kind)

    def events_after(self, event_id: int, limit: int = 100) -> Documents:
        """The feed after ``event_id``, oldest first, each event with its alert as it stands now."""
        return self.documents(self.store.events_after(event_id, limit))

    def documents(self, events: Sequence[StoredEvent]) -> Documents:
        """These steps of the feed as JSON documents."""
        alerts = self.store.alerts([event.alert_id for event in events if event.alert_id])
        documents = {key: self._document(alert) for key, alert in alerts.items()}
        return [event_document(event, documents.get(event.alert_id)) for event in events]

    def newest_event_id(self) -> int:
        """The newest event's id; 0 before the first."""
        return self.store.newest_event_id()

    def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking at alerts or pictures: call it before they are shown."""
        self._tell("consultation", {"who": who, "what": what, "alert_id": alert_id, "reason": reason})

    def disclosed(self, *, to: str, subscription_id: str, event_id: int, alert_id: str) -> None:
        """Account for an alert that is about to be sent to a webhook for the first time."""
        self._tell(
            "disclosure",
            {"to": to, "subscription": subscription_id, "disclosed_event_id": event_id, "alert_id": alert_id},
        )

    # --- people ---

    def decide(
        self,
        alert_id: str,
        *,
        officer: str,
        decision: str,
        note: str = "",
        comparison: Mapping[str, str] | None = None,
        corrects: int = 0,
        request_key: str = "",
    ) -> dict[str, Any]:
        """Record an officer's verdict; nothing follows from it by itself.

        Args:
            alert_id: The alert.
            officer: Who decides.
            decision: From ``adjudicate.vocabulary``.
            note: In the officer's own words.
            comparison: What the officer found by eye, feature by feature, before seeing any number.
            corrects: The standing record that this one replaces; needs a note.
            request_key: A repeated request with the same key records nothing.

        Raises:
            NotFoundError, ConflictError, InputError: Nothing was recorded.
        """
        details = {} if comparison is None else {"comparison": dict(comparison)}
        now_s = self._clock.wall_s()
        draft = CaseRecord("decision", officer, decision, note, now_s, corrects=corrects, details=details)
        return self._record(alert_id, draft, request_key)

    def add_outcome(
        self,
        alert_id: str,
        *,
        officer: str,
        outcome: str,
        note: str = "",
        details: Mapping[str, Any] | None = None,
        corrects: int = 0,
        request_key: str = "",
    ) -> dict[str, Any]:
        """Record what came of an alert after its decision.

        Raises:
            NotFoundError, ConflictError, InputError: Nothing was recorded.
        """
        given = {name: value for name, value in (details or {}).items() if value is not None}
        now_s = self._clock.wall_s()
        draft = CaseRecord("outcome", officer, outcome, note, now_s, corrects=corrects, details=given)
        return self._record(alert_id, draft, request_key)

    def hold(self, alert_id: str, *, by: str, reason: str) -> dict[str, Any]:
        """Keep an alert beyond its retention time, with a reason."""
        self.store.set_hold(alert_id, by=by, reason=_reason(reason), now_s=self._clock.wall_s())
        self.report()
        return self.get(alert_id)

    def release(self, alert_id: str, *, by: str) -> dict[str, Any]:
        """Let a held alert go: the retention timer takes it next time."""
        self.store.set_hold(alert_id, by=by, reason="", now_s=self._clock.wall_s())
        self.report()
        return self.get(alert_id)

    # --- accounting ---

    def report(self) -> None:
        """Hand every event that is not yet accounted for to ``on_event``, in order.

        Called by the desk after each step; call it once after a restart, too.
        """
        if self._on_event is None:
            return
        with self._turn:
            if self._reporting:
                # on_event took a step of its own (a circuit breaker pauses the desk): the loop below reports it next.
                return
            self._reporting = True
            try:
                self._report_all(self._on_event)
            finally:
                self._reporting = False

    def _report_all(self, on_event: OnEvent) -> None:
        while True:
            events = self.store.events_after(self._reported_id)
            if not events:
                return
            for event in events:
                facts = {"event_id": event.event_id, "at": event.at, "alert_id": event.alert_id, **event.facts}
                on_event(event.kind, facts)
                self._reported_id = event.event_id

    def _tell(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Report something that is no step of an alert, and so is not in the feed."""
        if self._on_event is not None:
            with self._turn:
                self._on_event(kind, {"at": self._clock.wall_s(), **facts})

    def _judge(self, state: AlertHistory, facts: SightingFacts) -> Ruling:
        return judge(self._rules, state, facts, new_alert_id=secrets.token_hex(8))[0]

    def _record(self, alert_id: str, draft: CaseRecord, request_key: str) -> dict[str, Any]:
        def settle(case: StoredAlert) -> tuple[str, Mapping[str, Any]]:
            needed, raised_at = int(case.row["verdicts_needed"]), float(case.row["raised_at"])
            self._cases.admit(needed, case.records[:-1], replace(case.records[-1], record_id=0))
            facts = {"deployment": case.row["deployment"], "category": case.row["category"]}
            facts |= self._cases.facts(needed, raised_at, case.records)
            return str(self._cases.summary(needed, raised_at, case.records)["status"]), facts

        stored = self.store.add_record(alert_id, draft, settle, request_key=request_key)
        self.report()
        return self._document(stored)

    def _document(self, alert: StoredAlert) -> dict[str, Any]:
        needed, raised_at = int(alert.row["verdicts_needed"]), float(alert.row["raised_at"])
        return alert_document(alert, self._cases.summary(needed, raised_at, alert.records), self._rules)


def _sighting_facts(sighting: Sighting) -> dict[str, Any]:
    match = sighting.match
    return {
        "entry_id": match.entry_id,
        "category": match.category,
        "camera": sighting.camera,
        "deployment": sighting.deployment,
        "model": sighting.model,
        "captured_at": sighting.captured_at,
        "similarity": round(float(match.similarity), 4),
        "threshold": round(float(match.threshold), 4),
        "list_size": match.list_size,
    }


def _check_sighting(sighting: Sighting) -> None:
    if not 1 <= len(sighting.key) <= 200:
        raise InputError("a sighting's key has the wrong length", got=len(sighting.key), allowed="1 to 200 characters")
    if not sighting.face_jpeg:
        raise InputError("a sighting without a picture of the face cannot be decided by a person")


def _reason(reason: str) -> str:
    text = reason.strip()
    if not text or len(text) > MAX_REASON:
        raise InputError("a reason is needed", got=f"{len(text)} characters", allowed=f"1 to {MAX_REASON} characters")
    return text
