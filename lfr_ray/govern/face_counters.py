"""Counting faces for the record: the cameras' totals go into the ledger now and then, and are added up from it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lfr_ray.govern.ledger_event import ID, MAX_ITEMS, MAX_TEXT, Event, RecordKind
from lfr_ray.metrics import Snapshot, percentile_s

Key = TypeVar("Key")

COUNTED = "faces counted"
"""What such a record says. It holds what came since the camera's record before."""
FACES = ("frames", "frames_dropped", "people_estimated", "faces_seen", "faces_compared", "faces_glimpsed")
FIELDS = (
    "frames",
    "frames_dropped",
    "expected",
    "damaged",
    "missing_s",
    "people_estimated",
    "faces_seen",
    "faces_compared",
    "faces_glimpsed",
    "watched_s",
    "blind_s",
)


@dataclass
class CameraCounters:
    """Totals of one camera in one deployment.

    Attributes:
        frames: Frames that were looked at.
        faces_seen: Tracklets, an estimate of people: somebody who turns back is counted again.
        faces_compared: Tracklets of which at least one view was good enough to be compared.
        watched_s: Time during which its pictures were looked at.
        blind_s: Time during which it should have and did not.
        rejected: Views that were not good enough, by reason.
        expected: Frames that recordings should have; 0 where that is unknown.
        damaged: Packets and pictures that could not be decoded, or only with gaps.
        missing_s: Time without a picture where there should be one; of a live camera the time in which it was blind.
        problems: What was wrong with the footage, each kind once, without the names of files.
        people_estimated: Tracklets joined by place and time: who looked away is counted once, who comes back again.
        faces_glimpsed: Of those that were good enough, tracklets with fewer looks than an alert needs.
        run: Which process of the camera counted: another one begins from nothing.
        frames_dropped: Frames that came and were not looked at, because there was more to look at than could be.
    """

    frames: int = 0
    faces_seen: int = 0
    faces_compared: int = 0
    watched_s: float = 0.0
    blind_s: float = 0.0
    rejected: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    expected: int = 0
    damaged: int = 0
    missing_s: float = 0.0
    problems: tuple[str, ...] = ()
    people_estimated: int = 0
    faces_glimpsed: int = 0
    run: str = ""
    frames_dropped: int = 0


def counters_of(
    counted: Snapshot,
    camera: str,
    watched_s: float,
    blind_s: float,
    *,
    expected: int | None = None,
    problems: Iterable[str] = (),
    run: str = "",
) -> CameraCounters:
    """One camera's totals since it was started, from what its process counted; see :class:`CameraCounters`."""
    return CameraCounters(
        expected=expected or 0,
        damaged=_total(counted, "frames_damaged", camera),
        missing_s=round(_value(counted, "footage_missing_seconds", camera), 1),
        problems=_kinds(problems),
        **{name: _total(counted, name, camera) for name in FACES},
        watched_s=round(watched_s, 1),
        blind_s=round(blind_s, 1),
        rejected=_rejected(counted, camera),
        latency_ms=_latency_ms(counted, camera),
        run=run,
    )


def counted(deployment: str, camera: str, new: CameraCounters) -> Event:
    """The ledger record of what one camera counted since its last one."""
    facts: dict[str, Any] = {name: getattr(new, name) for name in FIELDS}
    facts["problems"] = [*new.problems]
    facts["rejected"] = dict(new.rejected)
    facts["latency_ms"] = dict(new.latency_ms)
    facts |= {"run": new.run} if new.run else {}
    return _event("collection", COUNTED, deployment, camera, facts)


def removed(deployment: str, camera: str, sha256s: Sequence[str]) -> Event:
    """The ledger record of pictures that a watched folder's camera deleted after use, by their SHA-256."""
    return _event("erasure", "pictures removed after use", deployment, camera, {"sha256": [*sha256s]})


def _event(kind: RecordKind, what: str, deployment: str, camera: str, facts: dict[str, Any]) -> Event:
    """A record of a camera's, also where the name is no id: a recording's camera is called as its file is."""
    subject = camera
    if not ID.match(camera):
        facts["camera"], subject = camera, "camera:" + re.sub(r"[^A-Za-z0-9_.@:/+-]", "_", camera)[:100]
    return Event(kind, what, deployment=deployment, actor="camera", subject=subject, facts=facts)


def totals(records: Iterable[Mapping[str, Any]], deployment: str) -> dict[str, CameraCounters]:
    """Totals by camera. The latency is that of the newest record, which covers the whole run."""
    return dict(sorted(_added(records, deployment, lambda camera, _: camera).items()))


def totals_of_runs(records: Iterable[Mapping[str, Any]], deployment: str) -> dict[tuple[str, str], CameraCounters]:
    """The same by camera and :attr:`CameraCounters.run`: what each process has on record."""
    return _added(records, deployment, lambda camera, run: (camera, run))


def _added(
    records: Iterable[Mapping[str, Any]], deployment: str, key_of: Callable[[str, str], Key]
) -> dict[Key, CameraCounters]:
    found: dict[Key, CameraCounters] = defaultdict(CameraCounters)
    for record in records:
        if record["what"] != COUNTED or record["deployment"] != deployment:
            continue
        facts = record["facts"]
        run = facts.get("run", "")
        total = found[key_of(facts.get("camera", record["subject"]), run)]
        total.run = run
        for name in FIELDS:
            setattr(total, name, getattr(total, name) + facts.get(name, 0))
        total.problems = tuple(dict.fromkeys((*total.problems, *facts.get("problems", ()))))
        for reason, count in facts.get("rejected", {}).items():
            total.rejected[reason] = total.rejected.get(reason, 0) + count
        total.latency_ms = dict(facts.get("latency_ms", {})) or total.latency_ms
    return dict(found)


def _kinds(problems: Iterable[str]) -> tuple[str, ...]:
    """Each kind once: what an error says behind ``got`` may be a file's name, which may be a person's.

    >>> _kinds(["the picture is empty; got: Jo Day.jpg: 0 bytes", "no picture for 12 s", "no picture for 13 s"])
    ('the picture is empty', 'no picture')
    """
    kinds = (re.sub(r" for \d+ s$", "", one.partition("; got: ")[0])[:MAX_TEXT] for one in problems)
    return tuple(dict.fromkeys(one for one in kinds if one))[:MAX_ITEMS]


def _value(counted: Snapshot, name: str, camera: str) -> float:
    return counted.values.get((f"{name}_total", (("camera", camera),)), 0)


def _total(counted: Snapshot, name: str, camera: str) -> int:
    return int(_value(counted, name, camera))


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
