"""One alert as the JSON document that programs and the console read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lfr_ray.alert.queries import StoredAlert, StoredEvent
from lfr_ray.alert.rules import AlertRules, cautions
from lfr_ray.alert.schema import IMAGE_KINDS
from lfr_ray.clock import utc_text
from lfr_ray.records import REGIONS


def alert_document(alert: StoredAlert, case: Mapping[str, Any], rules: AlertRules) -> dict[str, Any]:
    """The whole document; picture bytes are never in it, only their addresses.

    Args:
        alert: What is recorded.
        case: What people recorded about it, as the case rules tell it.
        rules: For the cautions.
    """
    row = alert.row
    relatives = tuple(row["relatives"])
    return {
        "id": row["alert_id"],
        "key": row["key"],
        "entry_id": row["entry_id"],
        "name": row["name"],
        "category": row["category"],
        "action": row["action"],
        "camera": row["camera"],
        "deployment": row["deployment"],
        "model": row["model"],
        "captured_at": utc_text(row["captured_at"]),
        "raised_at": utc_text(row["raised_at"]),
        "time_s": row["captured_s"],
        "similarity": row["similarity"],
        "threshold": row["threshold"],
        "probability": row["probability"],
        "regions_visible": [region for region in REGIONS if region != row["covered"]],
        "margin": row["margin"],
        "runner_up": row["runner_up"],
        "views_agreeing": row["views_agreeing"],
        "views_compared": row["views_compared"],
        "list_size": row["list_size"],
        "relatives": list(relatives),
        "cautions": list(
            cautions(
                rules,
                margin=row["margin"],
                list_size=row["list_size"],
                relatives=relatives,
                runner_up=row["runner_up"],
                covered=row["covered"],
            )
        ),
        "box": list(row["box"]),
        "quality": dict(row["quality"]),
        "sightings": {
            "count": row["sightings"],
            "first": utc_text(row["first_seen_at"]),
            "last": utc_text(row["last_seen_at"]),
        },
        "hold": _hold(row),
        "images": {kind: f"/v1/alerts/{row['alert_id']}/images/{kind}" for kind in IMAGE_KINDS},
        **case,
    }


def event_document(event: StoredEvent, alert: Mapping[str, Any] | None) -> dict[str, Any]:
    """One step of the feed, with the alert as it stands now (null when it is destroyed)."""
    return {
        "id": event.event_id,
        "kind": event.kind,
        "at": utc_text(event.at),
        "alert_id": event.alert_id or None,
        "reason": event.facts.get("reason", "") if event.kind in ("pause", "resume") else "",
        "alert": None if alert is None else dict(alert),
    }


def _hold(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if not row["hold_reason"]:
        return None
    held_at = row["held_at"]
    return {
        "reason": row["hold_reason"],
        "by": row["held_by"],
        "at": None if held_at is None else utc_text(held_at),
    }
