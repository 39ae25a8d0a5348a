r"""The alert service: sightings in, durable alerts out, decided by people, every step accounted for.

sighting --rules--> alert --case rules--> decision --> outcome
     \------------- events (append-only) -------------> feed, webhooks, ledger
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from lfr_ray.alert.alert_queries import AlertQuery, StoredAlert
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertHistory, AlertRules, RecentAlert, Ruling, cautions, judge
from lfr_ray.alert.event_kinds import CONDITIONS
from lfr_ray.clock import Clock
from lfr_ray.errors import AlertRefusedError, InputError
from lfr_ray.records import (
    Alert,
    AlertPage,
    AlertReceipt,
    CaseRecord,
    CaseState,
    Facts,
    FeedEvent,
    ShownRecord,
    Sighting,
    StoredEvent,
    WebhookEvent,
)
from lfr_ray.structured_logs import get_logger

OnEvent = Callable[[str, Facts], None]
log = get_logger()
EVENTS_READ = 500
SHOWN = ("camera", "category", "deployment", "state", "record_id", "seconds_after_alert", "to", "subscription")
"""Facts of a step that the event stream tells. What a verdict was is not among them: the alert tells it in its time."""
MAX_REASON = 500


class Cases(Protocol):
    """The case rules, as ``adjudicate.decisions.CaseRules`` has them."""

    @property
    def verdicts_needed(self) -> int:
        """Officers who must decide before a new alert is decided."""

    def admit(self, verdicts_needed: int, records: tuple[CaseRecord, ...], draft: CaseRecord) -> None:
        """Allow a record to be added, or raise."""

    def summary(self, verdicts_needed: int, raised_at: float, records: tuple[CaseRecord, ...]) -> CaseState:
        """What people made of the alert so far, as far as it may be told."""

    def own(self, records: tuple[CaseRecord, ...], officer: str) -> tuple[ShownRecord, ...]:
        """What an officer recorded themselves."""

    def facts(self, verdicts_needed: int, raised_at: float, records: tuple[CaseRecord, ...]) -> Facts:
        """What the ledger keeps of the newest record."""

    def may_see_figures(self, verdicts_needed: int, records: tuple[CaseRecord, ...], reader: str) -> bool:
        """What the machine measured may be shown to this person."""


class AlertService:
    """One order of events, durable before it is acknowledged.

    Safe to call from several threads, and from several processes on one database.

    Args:
        cases: What people may record, and in which order.
        on_event: Called with every step in the feed's order, after it is durable and before it is
            acknowledged: ``(kind, facts)``; no picture, name or note is in the facts. When it raises, the step
            stands but is not acknowledged, and it is reported again before the next one, by the same ``event_id``.
        closed: A deployment is closed: its late sightings are refused, so that nothing comes after its erasure.
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
        closed: Callable[[str], bool] = lambda _deployment: False,
        reported_event_id: int | None = None,
    ) -> None:
        self.store = store
        self._rules = rules
        self._clock = clock
        self._cases = cases
        self._on_event = on_event
        self._closed = closed
        self._reported_id = store.newest_event_id() if reported_event_id is None else reported_event_id
        self._handed_id = self._reported_id  # the newest that on_event was called with, whatever it said; 0: none
        store.database.saw(self._reported_id)
        self._turn = threading.RLock()
        self._reporting = False
        self._told: dict[str, bool] = {}

    # --- sightings ---

    def raise_alert(self, sighting: Sighting) -> AlertReceipt:
        """Record a sighting: a new alert, or one more sighting of a recent one.

        Durable before it returns. The same ``sighting.key`` always gets the same alert, however often
        and from however many processes it is sent.

        Raises:
            AlertRefusedError: Alerts are paused, or the deployment is closed; nothing of the sighting is kept.
            StoreError: Nothing was recorded, or it was recorded and the answer was lost: send it again.
            InputError: The sighting has no key or no face.
        """
        _check_sighting(sighting)
        ruling = self.store.raise_sighting(
            sighting,
            lambda history: self._judge(history, sighting),
            now_s=self._clock.wall_s(),
            verdicts_needed=self._cases.verdicts_needed,
            facts=_sighting_facts(sighting),
        )
        if ruling.step == "refuse":
            self._tell("sighting_refused", {"camera": sighting.camera, "deployment": sighting.deployment})
            if self._closed(sighting.deployment):
                raise AlertRefusedError(
                    "the deployment is closed", got=sighting.deployment, next_step="open another one"
                )
            raise AlertRefusedError(
                "alerts are paused",
                got=self.store.paused_reason(),
                next_step="resume it when the cause is gone; cameras go on meanwhile",
            )
        self.report()
        return AlertReceipt(ruling.alert_id, ruling.step == "raise")

    def pause(self, *, by: str, reason: str) -> None:
        """Take no more sightings, also after a restart, until :meth:`resume`."""
        self.store.set_paused(by=by, reason=_reason(reason), now_s=self._clock.wall_s())
        self.report()

    def resume(self, *, by: str) -> None:
        """Take sightings again."""
        self.store.set_paused(by=by, reason="", now_s=self._clock.wall_s())
        self.report()

    # --- reading ---

    def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        event_id = self.store.newest_event_id()
        alerts, cursor = self.store.page(query)
        return AlertPage(tuple(self._completed(alert, query.reader) for alert in alerts), cursor, event_id)

    def get(self, alert_id: str, reader: str = "") -> Alert:
        """One alert; figures only for a reader who compared, or once it is decided. NotFoundError: no such alert."""
        return self._completed(self.store.alert(alert_id), reader)

    def own_records(self, alert_id: str, officer: str) -> tuple[ShownRecord, ...]:
        """What an officer recorded, oldest first, also while a second verdict is due. NotFoundError: no such alert."""
        return self._cases.own(self.store.alert(alert_id).records, officer)

    def events_after(self, event_id: int, limit: int = EVENTS_READ) -> Sequence[FeedEvent]:
        """The steps after ``event_id``, oldest first."""
        return [FeedEvent(**_told(event)) for event in self.store.events_after(event_id, limit)]

    def completed(self, event: StoredEvent) -> WebhookEvent:
        """A step with its alert as it stands now. Its history is left out, which grows with every correction."""
        stored = self.store.alerts([event.alert_id]).get(event.alert_id) if event.alert_id else None
        alert = None if stored is None else replace(self._completed(stored, ""), history=())
        return WebhookEvent(**_told(event), alert=alert)

    def tell(self, condition: str, reason: str) -> None:
        """In the feed: one of :data:`~lfr_ray.alert.event_kinds.CONDITIONS` began or, with an empty reason, ended."""
        if self._told.get(condition) != bool(reason):
            self.store.set_condition(*CONDITIONS[condition], reason=reason[:MAX_REASON], now_s=self._clock.wall_s())
            self._told[condition] = bool(reason)
            self.report()

    def consulted(self, *, who: str, what: str, alert_id: str = "", reason: str = "") -> None:
        """Account for someone looking at alerts or pictures: call it before they are shown."""
        self._tell("consultation", {"who": who, "what": what, "alert_id": alert_id, "reason": reason})

    def disclosed(self, *, to: str, subscription_id: str, event_id: int, alert: Alert, by: str) -> None:
        """Account for an alert that is about to be sent for the first time to a webhook, which ``by`` has added."""
        facts: Facts = {"by": by, "to": to, "subscription": subscription_id, "disclosed_event_id": event_id}
        self._tell("disclosure", {**facts, "alert_id": alert.id, "deployment": alert.deployment})

    def people_changed(self, kind: str, *, by: str, person: str, facts: Facts) -> None:
        """Account for ``token_given``, ``tokens_revoked`` or ``session_ended``."""
        self._tell(kind, {"by": by, "person": person, **facts})

    # --- people ---

    def record(self, alert_id: str, draft: CaseRecord, request_key: str = "") -> Alert:
        """Record a person's claim, comparison, decision or outcome. Nothing follows from it by itself.

        The draft's time and number are given here; a repeated request with the same key records nothing. Nor does one
        that raises NotFoundError, ConflictError, InputError or RefusedError.
        """

        def settle(case: StoredAlert) -> tuple[str, Facts]:
            alert, needed = case.alert, case.verdicts_needed
            self._cases.admit(needed, case.records[:-1], replace(case.records[-1], record_id=0))
            about = {"deployment": alert.deployment, "category": alert.category}
            facts = {**about, **self._cases.facts(needed, alert.raised_at, case.records)}
            return self._cases.summary(needed, alert.raised_at, case.records).status, facts

        draft = replace(draft, made_at=self._clock.wall_s())
        stored = self.store.add_record(alert_id, draft, settle, request_key=request_key)
        self.report()
        return self._completed(stored, draft.officer)

    def hold(self, alert_id: str, *, by: str, reason: str) -> Alert:
        """Keep an alert beyond its retention time, with a reason."""
        self.store.set_hold(alert_id, by=by, reason=_reason(reason), now_s=self._clock.wall_s())
        self.report()
        return self.get(alert_id, by)

    def release(self, alert_id: str, *, by: str) -> Alert:
        """Let a held alert go: the retention timer takes it next time."""
        self.store.set_hold(alert_id, by=by, reason="", now_s=self._clock.wall_s())
        self.report()
        return self.get(alert_id, by)

    # --- accounting ---

    def report(self) -> None:
        """Hand every event that is not yet accounted for to ``on_event``, in order.

        Called after each step; call it once after a restart, too.
        """
        if self._on_event is None:
            return
        with self._turn:
            if self._reporting:
                # on_event took a step of its own (a circuit breaker pauses alerts): the loop below reports it next.
                return
            self._reporting = True
            try:
                self._report_all(self._on_event)
            finally:
                self._reporting = False

    def look(self) -> None:
        """Ask the database how far it is. What it has lost since it was asked last is accounted for."""
        if self.store.newest_event_id() < self._handed_id:
            self.report()

    def _report_all(self, on_event: OnEvent) -> None:
        while True:
            events = self.store.events_after(self._reported_id - 1)
            if self._handed_id and self._handed_id not in [event.event_id for event in events]:
                log.warning("the alerts' database lost events", accounted_for=self._handed_id)
                self.store.note_loss(self._handed_id, self._clock.wall_s())
                self._told.clear()  # what lasts, such as a stop, may be among what was lost: it is told again
                self._handed_id = 0
                continue
            if not (events := [event for event in events if event.event_id > self._reported_id]):
                return
            for event in events:
                facts = {"event_id": event.event_id, "at": event.at, "alert_id": event.alert_id, **event.facts}
                self._handed_id = event.event_id
                on_event(event.kind, facts)
                self._reported_id = event.event_id

    def _tell(self, kind: str, facts: Facts) -> None:
        """Report something that is no step of an alert, and so is not in the feed."""
        if self._on_event is not None:
            with self._turn:
                self._on_event(kind, {"at": self._clock.wall_s(), **facts})

    def _judge(self, history: AlertHistory, sighting: Sighting) -> Ruling:
        # Asked inside the transaction: whatever passes is recorded before the closing looks for what to destroy.
        if self._closed(sighting.deployment):
            return Ruling("refuse")
        moments = (sighting.captured_at, sighting.captured_s, sighting.run)
        return judge(self._rules, history, RecentAlert(secrets.token_hex(8), *moments))

    def _completed(self, stored: StoredAlert, reader: str) -> Alert:
        """The alert with what the rules say of it, as this reader may see it."""
        alert = stored.alert
        case = self._cases.summary(stored.verdicts_needed, alert.raised_at, stored.records)
        whole = replace(alert, **vars(case), cautions=cautions(self._rules, alert))
        given = self._cases.may_see_figures(stored.verdicts_needed, stored.records, reader)
        return whole if given else whole.without_figures()


def _told(event: StoredEvent) -> dict[str, Any]:
    """What the feed tells of a step, by the names of its document."""
    return {
        "id": event.event_id,
        "kind": event.kind,
        "at": event.at,
        "alert_id": event.alert_id or None,
        "reason": "" if event.alert_id else str(event.facts.get("reason", "")),
        "changed": {name: event.facts[name] for name in SHOWN if event.facts.get(name) is not None},
    }


def _sighting_facts(sighting: Sighting) -> Facts:
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
