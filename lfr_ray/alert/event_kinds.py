"""Every kind of step that the event stream and webhooks tell of."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "alert_raised": "A possible match: a new alert.",
    "sighting_attached": "The person of an alert was seen again.",
    "claim": "An officer took an alert, took it over, or released it.",
    "comparison": "An officer compared the faces by eye, before any figure was given.",
    "decision": "An officer gave a verdict, or corrected one.",
    "outcome": "What came of an alert, or a correction of it.",
    "hold": "An alert is kept beyond its retention time.",
    "release": "It is not any more.",
    "erasure": "An alert was destroyed: destroy your copy.",
    "pause": "The desk takes no alerts.",
    "resume": "It takes them again.",
    "matching_stopped": "The emergency stop was set: nothing is compared.",
    "matching_resumed": "The emergency stop was lifted.",
    "breaker_paused": "The circuit breaker paused matching: too many alerts may be false.",
    "breaker_lifted": "Its pause was lifted.",
    "comparisons_refused": "The matcher began to refuse comparisons.",
    "comparisons_allowed": "It compares again.",
    "events_lost": "The database lost events that were told: a copy that was behind took over.",
    "webhook_added": "A receiver of events was added.",
    "webhook_removed": "A receiver of events was removed.",
    "webhook_dropped": "Somebody dropped an event that a receiver had refused.",
    "webhook_test": "Somebody tests one receiver: only that one is sent it.",
}

CONDITIONS: Mapping[str, tuple[str, str]] = {
    "stop": ("matching_stopped", "matching_resumed"),
    "breaker": ("breaker_paused", "breaker_lifted"),
    "refusal": ("comparisons_refused", "comparisons_allowed"),
}
"""What lasts: the steps with which it begins and ends. Whoever causes it has put it into the ledger already."""

LOST = "events_lost"
TEST_KIND = "webhook_test"
CHOSEN_KINDS = tuple(kind for kind in KINDS if kind not in ("hold", "release") and not kind.startswith("webhook_"))
"""Steps that a webhook may ask for. The test comes without being asked for."""

DEFAULT_KINDS = ("alert_raised", "decision", "outcome", "erasure")
"""erasure is among them so that a receiver knows when to destroy its copy."""
