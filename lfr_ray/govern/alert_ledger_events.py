"""What happens to alerts, as ledger records and as facts for the public record: plain values in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lfr_ray.govern.ledger_event import TOKEN_GIVEN, TOKENS_REVOKED, Event, RecordKind
from lfr_ray.records import StoredEvent

BLUE_CATEGORY = "blue-list"
"""Watchlist category of volunteers."""
DISCLOSED = "alert disclosed to a receiver"
RECORDS: Mapping[str, tuple[RecordKind, str]] = {
    "alert_raised": ("collection", "alert raised"),
    "sighting_attached": ("collection", "sighting attached to an alert"),
    "sighting_refused": ("refusal", "sighting refused: the desk is paused"),
    "claim": ("decision", "alert taken or released"),
    "comparison": ("decision", "faces compared by eye"),
    "decision": ("decision", "alert decided"),
    "outcome": ("decision", "outcome recorded"),
    "hold": ("alteration", "alert held beyond its time"),
    "release": ("alteration", "hold ended"),
    "pause": ("stop", "alerts paused"),
    "resume": ("alteration", "alerts resumed"),
    "erasure": ("erasure", "alert destroyed"),
    "consultation": ("consultation", "alert consulted"),
    "disclosure": ("disclosure", DISCLOSED),
    "token_given": ("authority", TOKEN_GIVEN),
    "tokens_revoked": ("authority", TOKENS_REVOKED),
    "session_ended": ("authority", "session ended"),
    "webhook_added": ("disclosure", "a receiver of alerts was added"),
    "webhook_removed": ("alteration", "a receiver of alerts was removed"),
    "webhook_dropped": ("alteration", "an event for a receiver of alerts was dropped"),
    "events_lost": ("incident", "the alerts' database lost events"),
    "webhook_test": ("alteration", "a receiver of alerts is tested"),
}
"""Which record each event of the feed of alerts becomes."""
RECORDED_ELSEWHERE = frozenset(
    {
        *("matching_stopped", "matching_resumed", "breaker_paused", "breaker_lifted"),
        *("comparisons_refused", "comparisons_allowed"),
    }
)
"""Events of which whoever caused them has made a record."""
TRIED_AGAIN = frozenset({"disclosure", "sighting_refused"})
"""Told without a number, and by a program that tells them again after an error."""
KEPT = frozenset(
    {
        "event_id",
        "camera",
        "entry_id",
        "category",
        "model",
        "captured_at",
        "similarity",
        "threshold",
        "list_size",
        "decision",
        "outcome",
        "claim",
        "confirmed",
        "minutes",
        "corrects",
        "state",
        "decided",
        "record_id",
        "seconds_after_alert",
        "agreed",
        "images",
        "what",
        "role",
        "until",
        "subscription",
        "to",
        "disclosed_event_id",
        "dropped_event_id",
        "lost_after",
        "lost_until",
    }
)
"""Facts that the ledger takes over. What was perceived of a person is not among them."""
MONITORED = ("perceived_ethnicity", "perceived_sex", "perceived_age_band")
NOT_RECORDED = "not_recorded"
DEFAULT_REASON = "adjudication of the alert"
_FOREIGN = re.compile(r"[^A-Za-z0-9_.@:/+-]")


def ledger_event(kind: str, facts: Mapping[str, Any]) -> Event:
    """The ledger record of an event of the feed of alerts."""
    record, what = RECORDS.get(kind, ("incident", f"event of the desk: {kind[:60]}"))
    reason = " ".join(str(facts.get("reason") or "").split())[:500]
    if not reason and record in ("consultation", "disclosure", "stop"):
        reason = DEFAULT_REASON if record == "consultation" else what
    return Event(
        record,
        what,
        deployment=_id(facts.get("deployment")),
        actor=_id(facts.get("officer") or facts.get("by") or facts.get("who")) or "desk",
        subject=_id(facts.get("alert_id") or facts.get("person")),
        reason=reason,
        facts={key: facts[key] for key in sorted(KEPT & facts.keys()) if facts[key] is not None},
    )


def disclosures(records: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many alerts went to each receiver, as the ledger has it: it outlives the receiver's entry."""
    told: dict[str, set[str]] = {}
    for one in records:
        if one["what"] == DISCLOSED:
            told.setdefault(str(one["facts"].get("to") or NOT_RECORDED), set()).add(one["subject"])
    return {to: len(alerts) for to, alerts in sorted(told.items())}


def last_event_id(records: Iterable[Mapping[str, Any]]) -> int:
    """The newest event of the feed of alerts that the ledger has; 0 without any."""
    found = (record["facts"].get("event_id") for record in records)
    return max((one for one in found if isinstance(one, int)), default=0)


def _id(value: Any) -> str:
    return _FOREIGN.sub("_", str(value or ""))[:128].lstrip("_.@:/+-")


@dataclass(frozen=True, slots=True)
class AlertFact:
    """What the public record needs of one alert. It outlives the alert, and names nobody.

    Attributes:
        decision: The standing decision, or empty.
        outcome: The standing outcome, or empty.
        confirmed: Of a false alert: the person was engaged and is somebody else.
        minutes: How long somebody was stopped.
    """

    alert_id: str
    entry_id: str
    category: str
    camera: str
    deployment: str
    captured_at: float
    raised_at: float
    decision: str = ""
    decided_after_s: float | None = None
    outcome: str = ""
    confirmed: bool | None = None
    minutes: float | None = None
    offence_class: str = ""
    perceived_ethnicity: str = ""
    perceived_sex: str = ""
    perceived_age_band: str = ""

    @property
    def blue(self) -> bool:
        """A volunteer's alert: in no police figure."""
        return self.category == BLUE_CATEGORY

    @property
    def is_true(self) -> bool:
        """The person was the one on the list."""
        return self.outcome in ("identity_confirmed", "arrest", "other_disposal")

    @property
    def is_false(self) -> bool:
        """A false alert, confirmed or not."""
        return self.outcome == "false_alert"

    @property
    def engaged(self) -> bool:
        """An officer spoke with the person."""
        return self.outcome in ("stopped", "identity_confirmed", "arrest", "other_disposal") or bool(self.confirmed)


def alert_facts(events: Iterable[StoredEvent], deployment: str) -> tuple[AlertFact, ...]:
    """What stands of every alert of a deployment, folded from the feed in its order."""
    alerts: dict[str, AlertFact] = {}
    for event in events:
        if event.kind == "alert_raised" and event.facts.get("deployment") == deployment:
            alerts[event.alert_id] = AlertFact(
                event.alert_id,
                str(event.facts.get("entry_id", "")),
                str(event.facts.get("category", "")),
                str(event.facts.get("camera", "")),
                deployment,
                float(event.facts.get("captured_at", event.at) or 0.0),
                event.at,
            )
        elif event.alert_id in alerts and event.kind == "decision":
            alerts[event.alert_id] = _decided(alerts[event.alert_id], event)
        elif event.alert_id in alerts and event.kind == "outcome":
            alerts[event.alert_id] = _concluded(alerts[event.alert_id], event.facts)
    return tuple(alerts.values())


def _decided(alert: AlertFact, event: StoredEvent) -> AlertFact:
    decision, after_s = str(event.facts.get("decided") or ""), alert.decided_after_s
    if decision and after_s is None:
        after_s = event.at - alert.raised_at
    return replace(alert, decision=decision, decided_after_s=after_s)


def _concluded(alert: AlertFact, facts: Mapping[str, Any]) -> AlertFact:
    words: dict[str, Any] = {name: str(facts.get(name) or "") for name in ("outcome", "offence_class", *MONITORED)}
    return replace(alert, confirmed=facts.get("confirmed"), minutes=facts.get("minutes"), **words)
