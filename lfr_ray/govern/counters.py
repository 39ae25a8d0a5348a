"""Counting faces for the record: the cameras' totals go into the ledger now and then, and are added up from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lfr_ray.govern.ledger_event import Event
from lfr_ray.metrics import Snapshot, percentile_s

COUNTED = "faces counted"
"""What such a record says. It holds what came since the camera's record before."""
FACES = ("frames", "faces_seen", "faces_compared", "faces_glimpsed")
FIELDS = ("frames", "faces_seen", "faces_compared", "watched_s", "blind_s", "faces_glimpsed")


@dataclass
class CameraCounters:
    """Totals of one camera in one deployment.

    Attributes:
        faces_seen: Tracklets, an estimate of people: somebody who turns back is counted again.
        faces_compared: Tracklets of which at least one view was good enough to be compared.
        watched_s: Time during which its pictures were looked at.
        blind_s: Time during which it should have and did not.
        rejected: Views that were not good enough, by reason.
        faces_glimpsed: Of those that were good enough, tracklets with fewer looks than an alert needs.
    """

    frames: int = 0
    faces_seen: int = 0
    faces_compared: int = 0
    watched_s: float = 0.0
    blind_s: float = 0.0
    rejected: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    faces_glimpsed: int = 0


def counters_of(counted: Snapshot, camera: str, watched_s: float, blind_s: float) -> CameraCounters:
    """One camera's totals since it was started.

    Args:
        counted: The camera's counters.
        camera: Its name.
        watched_s: Time during which its pictures were looked at.
        blind_s: Time during which it should have and did not.
    """
    return CameraCounters(
        **{name: _total(counted, name, camera) for name in FACES},
        watched_s=round(watched_s, 1),
        blind_s=round(blind_s, 1),
        rejected=_rejected(counted, camera),
        latency_ms=_latency_ms(counted, camera),
    )


def counted(deployment: str, camera: str, new: CameraCounters) -> Event:
    """The ledger record of what one camera counted since its last one."""
    facts: dict[str, Any] = {name: getattr(new, name) for name in FIELDS}
    facts["rejected"] = dict(new.rejected)
    facts["latency_ms"] = dict(new.latency_ms)
    return Event("collection", COUNTED, deployment=deployment, actor="camera", subject=camera, facts=facts)


def totals(records: Iterable[Mapping[str, Any]], deployment: str) -> dict[str, CameraCounters]:
    """Totals by camera. The latency is that of the newest record, which covers the whole run."""
    found: dict[str, CameraCounters] = defaultdict(CameraCounters)
    for record in records:
        if record["what"] != COUNTED or record["deployment"] != deployment:
            continue
        total, facts = found[record["subject"]], record["facts"]
        for name in FIELDS:
            setattr(total, name, getattr(total, name) + facts.get(name, 0))
        for reason, count in facts.get("rejected", {}).items():
            total.rejected[reason] = total.rejected.get(reason, 0) + count
        total.latency_ms = dict(facts.get("latency_ms", {})) or total.latency_ms
    return dict(sorted(found.items()))


def _total(counted: Snapshot, name: str, camera: str) -> int:
    return int(counted.values.get((f"{name}_total", (("camera", camera),)), 0))


def _rejected(counted: Snapshot, camera: str) -> dict[str, int]:
    found = {}
    for (name, labels), value in counted.values.items():
        own: Mapping[str, str] = dict(labels)
        if name == "views_rejected_total" and own.get("camera") == camera:
            found[own["reason"]] = int(value)
    return found


def _latency_ms(counted: Snapshot, camera: str) -> dict[str, float]:
    timing = counted.timings.get(("capture_to_alert_seconds", (("camera", camera),)))
    found = {"p50": percentile_s(timing, 0.5), "p95": percentile_s(timing, 0.95)}
    return {name: round(value_s * 1000, 1) for name, value_s in found.items() if value_s is not None}
