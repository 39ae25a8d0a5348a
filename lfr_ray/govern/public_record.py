"""The public record of one deployment: every figure with its parts, so that anybody can compute it again."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lfr_ray.clock import utc_text
from lfr_ray.govern.alert_ledger_events import MONITORED, AlertFact
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.blue_list import BlueReport
from lfr_ray.govern.canonical_json import canonical_json, sha256_hex
from lfr_ray.govern.country_profile import Profile
from lfr_ray.govern.destruction_receipt import SignedReceipt
from lfr_ray.govern.face_counters import CameraCounters
from lfr_ray.govern.signed_authority import Grant
from lfr_ray.govern.signing_keys import PublicKey, Signature, SigningKey, signature_fault
from lfr_ray.govern.small_number_suppression import one_way, two_way
from lfr_ray.stats import rate

PURPOSE = "public record"
FORMAT = "lfr-public-record/1"
NOT_STATED = "not_stated"
DECISIONS = ("engage", "possible_match", "not_a_match", "undecided")
OUTCOMES = (
    "arrest",
    "other_disposal",
    "identity_confirmed",
    "stopped",
    "not_stopped",
    "false_alert_confirmed",
    "false_alert_unconfirmed",
    "no_outcome",
)
PUBLISHED = {
    "kind", "purpose", "legal_basis", "why", "who", "urgent", "urgent_reason", "documents", "model", "model_sha256",
}  # fmt: skip
"""Fields of an authority that anybody may see as they are."""


@dataclass(frozen=True)
class RecordFacts:
    """What the record is made of; collected from the ledger, the feed of alerts, the grant and the receipt.

    Attributes:
        cameras: Totals by camera.
        categories: Entries of the watchlist by category.
        incidents: Stops, pauses and incidents: moment, kind and what happened.
        disclosures: How many alerts were sent to each receiver outside of this site.
        refusals: Comparisons that were refused, as recorded: once a camera, reason and minute.
        versions: Software and model versions by name.
        groups: For each monitored field, the words that officers may choose: a row that is always there
            does not tell by its presence.
    """

    site: str
    grant: Grant
    published_at: float
    cameras: Mapping[str, CameraCounters]
    alerts: Sequence[AlertFact]
    categories: Mapping[str, int] = field(default_factory=dict)
    images: int = 0
    incidents: Sequence[tuple[float, str, str]] = ()
    disclosures: Mapping[str, int] = field(default_factory=dict)
    refusals: int = 0
    blue: BlueReport | None = None
    receipt: SignedReceipt | None = None
    ended_at: float | None = None
    ledger_head: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


def build_record(facts: RecordFacts, profile: Profile) -> dict[str, Any]:
    """The record as plain JSON values.

    Figures about the police list leave the blue list out. Tables about people have small cells
    withheld; the deployment's own totals, which hold the system to account, are never withheld.
    """
    authority = facts.grant.authority
    alerts = [alert for alert in facts.alerts if not alert.blue]
    seen = sum(counters.faces_seen for counters in facts.cameras.values())
    least = profile.small_cell
    arrests = Counter(alert.offence_class or NOT_STATED for alert in alerts if alert.outcome == "arrest")
    return {
        "format": FORMAT,
        "site": facts.site,
        "deployment": authority.deployment,
        "published_at": utc_text(facts.published_at),
        "authority": _authority(facts.grant),
        "place": None if authority.where is None else authority.where.content(),
        "time": {
            "starts_at": utc_text(authority.starts_at),
            "ends_at": utc_text(authority.ends_at),
            "closed_at": utc_text(facts.ended_at) if facts.ended_at is not None else None,
        },
        "watchlist": {
            "entries": authority.watchlist_entries or sum(facts.categories.values()),
            "images": facts.images,
            "sha256": authority.watchlist_sha256,
            "categories": one_way(dict.fromkeys(authority.who, 0) | dict(facts.categories), least),
        },
        "threshold": _threshold(authority, profile),
        "cameras": {name: _camera(counters) for name, counters in facts.cameras.items()},
        "totals": _totals(alerts, seen),
        "rates": _rates(facts, alerts, seen),
        "decisions": _decisions(alerts),
        "outcomes": dict(_outcomes(alerts)),
        "stops": _stops(alerts, least),
        "offence_classes": one_way(dict(sorted(arrests.items())), least, join=True),
        "perceived": {name: _perceived(alerts, name, facts.groups.get(name, ()), least) for name in MONITORED},
        "blue_list": _blue(facts, least),
        "incidents": {
            "refused_comparisons": facts.refusals,
            "list": [{"at": utc_text(at), "kind": kind, "what": what} for at, kind, what in facts.incidents],
        },
        "disclosures": [{"to": to, "alerts": alerts} for to, alerts in facts.disclosures.items()],
        "deletion": _deletion(facts.receipt),
        "rules": {
            "profile": profile.name,
            "version": profile.version,
            "sha256": profile.sha256,
            "sources": list(profile.sources),
            "two_person": profile.two_person,
            "unmatched_forgotten_s": profile.retention.unmatched.max_s,
            "alerts_deleted_after_s": profile.retention.alert.max_s,
        },
        "versions": dict(facts.versions),
        "ledger_head": facts.ledger_head,
        "method": {
            "faces_seen": "passages of a face through a camera's view (tracks), an estimate of people: somebody who "
            "turns back is counted again",
            "people_estimated": "passages of one camera joined by place and time alone, not by what a face looks like: "
            "somebody who looks away is counted once, somebody who comes back after seconds again",
            "false_alert": "confirmed: the person was engaged and is somebody else; unconfirmed: the person was not "
            "engaged, so that the truth is unknown",
            "true_alert": "the person's identity was confirmed, or an arrest or other disposal followed",
            "intervals": "95 %, exact (Clopper-Pearson), two-sided",
            "blue_list": "volunteers' alerts are in no other figure",
            "suppressed": f"in tables about people, cells under {least} are withheld, and others from which they could "
            "be worked out; totals of the deployment are not",
        },
    }


def sign_record(record: Mapping[str, Any], key: SigningKey, at: float) -> dict[str, Any]:
    """The published document: the record, the site's signature and the key to check it with."""
    signature = key.sign(PURPOSE, record, at)
    return {
        "record": dict(record),
        "sha256": sha256_hex(canonical_json(record)),
        "signature": signature.model_dump(mode="json"),
        "public_key": key.public,
    }


def record_fault(document: Mapping[str, Any], trusted: Mapping[str, PublicKey]) -> str:
    """Empty, or why a published record does not hold."""
    signature = Signature.model_validate(document["signature"])
    return signature_fault(PURPOSE, document["record"], signature, trusted, "site")


def _authority(grant: Grant) -> dict[str, Any]:
    authority = grant.authority
    shown: dict[str, Any] = authority.model_dump(mode="json", include=PUBLISHED)
    return shown | {
        "authorising_rank": authority.authorising_officer.rank,
        "applicant_rank": authority.applicant.rank,
        "ratified": grant.ratification is not None,
        "sha256": sha256_hex(canonical_json(authority.content())),
    }


def _threshold(authority: Authority, profile: Profile) -> dict[str, Any]:
    return {
        "similarity": authority.threshold,
        "expected_false_alerts_per_face": authority.false_alerts_per_face,
        "floor": profile.threshold.floor,
        "target": profile.threshold.target,
        "reason": authority.threshold_reason,
        "breaker_ceiling": profile.breaker.ceiling,
    }


def _camera(counters: CameraCounters) -> dict[str, Any]:
    seen = counters.faces_seen
    return {
        "frames": counters.frames,
        "frames_dropped": counters.frames_dropped,
        "frames_expected": counters.expected or None,
        "frames_damaged": counters.damaged,
        "missing_s": round(counters.missing_s, 1),
        "problems": list(counters.problems),
        "faces_seen": seen,
        "people_estimated": counters.people_estimated,
        "faces_compared": counters.faces_compared,
        "faces_glimpsed": counters.faces_glimpsed,
        "failure_to_acquire": rate(max(0, seen - counters.faces_compared), seen).document(),
        "rejected_views": dict(sorted(counters.rejected.items())),
        "watched_s": round(counters.watched_s, 1),
        "blind_s": round(counters.blind_s, 1),
        "capture_to_alert_ms": dict(counters.latency_ms),
    }


def _totals(alerts: Sequence[AlertFact], seen: int) -> dict[str, int]:
    outcomes = _outcomes(alerts)
    return {
        "faces_seen": seen,
        "alerts": len(alerts),
        "true_alerts": sum(alert.is_true for alert in alerts),
        "false_alerts_confirmed": outcomes["false_alert_confirmed"],
        "false_alerts_unconfirmed": outcomes["false_alert_unconfirmed"],
        "engagements": sum(alert.engaged for alert in alerts),
        "arrests": outcomes["arrest"],
        "other_disposals": outcomes["other_disposal"],
        "no_action": outcomes["not_stopped"] + outcomes["no_outcome"],
    }


def _rates(facts: RecordFacts, alerts: Sequence[AlertFact], seen: int) -> dict[str, Any]:
    totals = _totals(alerts, seen)
    confirmed, unconfirmed = totals["false_alerts_confirmed"], totals["false_alerts_unconfirmed"]
    compared = sum(counters.faces_compared for counters in facts.cameras.values())
    # Counting faces is an estimate; more alerts than faces are never less than as many faces.
    faces = max(seen, len(alerts))
    found = {
        "false_alerts_per_face": rate(confirmed, faces),
        "false_alerts_per_face_with_unconfirmed": rate(confirmed + unconfirmed, faces),
        "false_share_of_alerts": rate(confirmed + unconfirmed, len(alerts)),
        "true_share_of_alerts": rate(totals["true_alerts"], len(alerts)),
        "alerts_per_face": rate(len(alerts), faces),
        "engagements_per_alert": rate(totals["engagements"], len(alerts)),
        "arrests_per_alert": rate(totals["arrests"], len(alerts)),
        "failure_to_acquire": rate(max(0, seen - compared), seen),
    }
    documents = {name: one.document() for name, one in found.items()}
    documents["true_recognition"] = (facts.blue.overall if facts.blue is not None else rate(0, 0)).document()
    return documents


def _decisions(alerts: Sequence[AlertFact]) -> dict[str, Any]:
    split = Counter(alert.decision or "undecided" for alert in alerts)
    times = sorted(alert.decided_after_s for alert in alerts if alert.decided_after_s is not None)
    return {
        "split": {name: split[name] for name in DECISIONS},
        "median_seconds": round(statistics.median(times), 1) if times else None,
    }


def _outcomes(alerts: Iterable[AlertFact]) -> dict[str, int]:
    counts = dict.fromkeys(OUTCOMES, 0)
    for alert in alerts:
        name = alert.outcome or "no_outcome"
        if alert.is_false:
            name = "false_alert_confirmed" if alert.confirmed else "false_alert_unconfirmed"
        counts[name] += 1
    return counts


def _stops(alerts: Iterable[AlertFact], least: int) -> dict[str, Any]:
    minutes = sorted(alert.minutes for alert in alerts if alert.minutes is not None)
    if len(minutes) < least:
        return {"with_minutes": None, "suppressed": True, "median_minutes": None, "longest_minutes": None}
    return {
        "with_minutes": len(minutes),
        "median_minutes": round(statistics.median(minutes), 1),
        "longest_minutes": round(minutes[-1], 1),
    }


def _perceived(alerts: Sequence[AlertFact], name: str, groups: Sequence[str], least: int) -> dict[str, Any]:
    """As officers perceived it afterwards: alerts of each group, and which of them were false."""
    counts: dict[str, tuple[int, int]] = dict.fromkeys(groups, (0, 0))
    for alert in alerts:
        group = getattr(alert, name) or NOT_STATED
        part, of = counts.get(group, (0, 0))
        counts[group] = part + alert.is_false, of + 1
    rows = two_way(counts, least) if counts else {}
    found = {}
    for group, cells in rows.items():
        part, of = cells["part"]["count"], cells["all"]["count"]
        known = part is not None and of is not None
        found[group] = {
            "alerts": cells["all"],
            "false_alerts": cells["part"],
            "false_share": rate(part, of).document() if known else {"value": None, "suppressed": True},
        }
    return found


def _blue(facts: RecordFacts, least: int) -> dict[str, Any] | None:
    if facts.blue is None:
        return None
    document = facts.blue.document()
    for table in ("by_camera", "by_group", "by_cover"):
        document[table] = {
            name: one if one["of"] >= least else {"value": None, "suppressed": True}
            for name, one in document[table].items()
        }
    shown = {name for name, one in document["by_group"].items() if one["value"] is not None}
    document["disparities"] = [one for one in document["disparities"] if one["group"] in shown]
    document["alerts"] = sum(alert.blue for alert in facts.alerts)
    return document


def _deletion(receipt: SignedReceipt | None) -> dict[str, Any] | None:
    if receipt is None:
        return None
    content = receipt.receipt
    return {
        "receipt_sha256": receipt.sha256,
        "finished_at": utc_text(content.finished_at),
        "parts": [
            {
                "what": part.label,
                "counts": part.counts,
                "items": part.items,
                "found_by_search_before": part.found_before,
                "found_by_search_after": part.found_after,
            }
            for part in content.parts
        ],
        "held_alerts": content.held,
        "searched_files": content.scanned_files,
        "searched_bytes": content.scanned_bytes,
        "notes": list(content.notes),
    }
