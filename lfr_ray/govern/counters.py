"""Counting faces for the record: the cameras' totals go into the ledger now and then, and are added up from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lfr_ray.govern.ledger_event import Event

COUNTED = "faces counted"
"""What such a record says. It holds what came since the camera's record before."""
FIELDS = ("frames", "faces_seen", "faces_compared", "watched_s", "blind_s")


@dataclass
class CameraCounters:
    """Totals of one camera in one deployment.

    Attributes:
        faces_seen: Passages (tracks), an estimate of people: somebody who turns back is counted again.
        faces_compared: Passages of which at least one view was good enough to be compared.
        watched_s: Time during which the camera gave pictures.
        blind_s: Time during which it should have and did not.
        rejected: Views that were not good enough, by reason.
    """

    frames: int = 0
    faces_seen: int = 0
    faces_compared: int = 0
    watched_s: float = 0.0
    blind_s: float = 0.0
    rejected: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)


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
        tally, facts = found[record["subject"]], record["facts"]
        for name in FIELDS:
            setattr(tally, name, getattr(tally, name) + facts.get(name, 0))
        for reason, count in facts.get("rejected", {}).items():
            tally.rejected[reason] = tally.rejected.get(reason, 0) + count
        tally.latency_ms = dict(facts.get("latency_ms", {})) or tally.latency_ms
    return dict(sorted(found.items()))
