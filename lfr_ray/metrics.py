"""Names and kinds of every metric, in one table; no process-wide state.

A process makes one :class:`Meter`, counts into it, and hands out plain numbers with
``snapshot``; the ingress adds the snapshots of all processes up and renders them for Prometheus.
"""

from __future__ import annotations

import resource
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

COUNTERS: Mapping[str, str] = {
    "frames_total": "Frames handed to the detector, and those in which nothing had moved",
    "frames_dropped_total": "Frames dropped because a newer one had come, or passed over because the stream was behind",
    "frames_still_total": "Frames in which nothing had moved since the detector's last look",
    "frames_damaged_total": "Pictures and packets that could not be decoded, or only with gaps",
    "footage_missing_seconds_total": "Seconds without a picture where there should be one",
    "faces_detected_total": "Faces found in frames",
    "faces_seen_total": "Tracklets that ended",
    "people_estimated_total": "People who came into view, estimated by place and time",
    "faces_compared_total": "Tracklets of which at least one view passed the quality check",
    "faces_glimpsed_total": "Of these, tracklets with fewer looks than an alert needs",
    "views_rejected_total": "Views that the quality check refused, by reason (failure to acquire)",
    "views_embedded_total": "Views turned into vectors",
    "comparisons_refused_total": "Probes that the matcher refused to compare",
    "matches_withheld_total": "Possible matches that were not raised, by reason: second model",
    "alerts_total": "Alerts raised",
    "sightings_attached_total": "Later sightings attached to an alert",
    "stage_failures_total": "Calls of a stage that failed, by stage",
    "reconnects_total": "Reconnections of a camera",
    "faces_forgotten_total": "Tracklets whose data was dropped from memory",
    "event_streams_refused_total": "Event streams that were refused, because too many were open",
    "webhook_deliveries_total": "Attempts to deliver an event to a webhook, by outcome: delivered, failed or given_up",
    "output_deliveries_total": "Events that an output took, and attempts that failed, by output and outcome: "
    "delivered or failed",
}
GAUGES: Mapping[str, str] = {
    "camera_up": "1 while a camera's process answers",
    "camera_blind": "1 while nothing of a camera is looked at",
    "camera_refused": "1 while nothing of a camera is compared",
    "camera_warned": "1 while a camera has a warning: few looks at passers-by, an alert that waits, a wrong clock",
    "camera_clock_ahead_seconds": "By how much the clock of a camera's machine is ahead of the matcher's",
    "part_ready": "1 while a part of the site is as it should be, by part: "
    "cameras, models, matcher, desk, list, authority, site",
    "watchlist_entries": "Entries in force",
    "matcher_replica_behind": "1 while a node's matcher replica has another list than the matcher, and answers nothing",
    "memory_rss_bytes": "Resident memory of a process",
    "authority_in_force": "1 while the authority, the switches and the list allow comparisons",
    "matching_stopped": "1 while the emergency stop is set",
    "breaker_paused": "1 while the circuit breaker pauses matching",
    "undecided_alerts": "Alerts that wait for a person",
    "oldest_undecided_alert_seconds": "Age of the oldest of them",
    "event_streams": "Event streams that are open",
    "webhooks_failing": "Webhooks whose next event could not be delivered so far",
    "webhook_dead_letters": "Events that were given up, for people to send again or to drop",
    "output_failing": "1 while an output of the site file cannot be reached or takes nothing, by output",
    "output_lag_seconds": "Age of the oldest event that an output has not taken, by output",
    "build_info": "1, with the version of the software as its label",
}
TIMINGS: Mapping[str, str] = {
    "capture_to_alert_seconds": "From the capture of the deciding view to the durable alert",
    "track_end_to_forgotten_seconds": "From a track's end to its data being dropped",
    "detect_seconds": "One detector call, as its camera sees it",
    "embed_seconds": "One embedder call, as its camera sees it",
    "capture_to_answer_seconds": "From the capture of a view to the matcher's answer",
    "match_seconds": "One matcher call, as its camera sees it",
}
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper ends of the buckets in which every duration is counted; one more holds what is longer."""

KEPT_TIMINGS = 4096
"""Newest timings kept for a run's own percentiles; older ones only count towards sum, count and buckets."""

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


@dataclass(slots=True)
class Timing:
    """Sum, count, buckets and the newest values of one duration, in seconds."""

    count: int = 0
    sum_s: float = 0.0
    newest_s: list[float] = field(default_factory=list)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))

    def add(self, value_s: float) -> None:
        """Add one duration."""
        self.count += 1
        self.sum_s += value_s
        self.buckets[bisect_left(BUCKETS_S, value_s)] += 1
        self.newest_s.append(value_s)
        if len(self.newest_s) > 2 * KEPT_TIMINGS:
            del self.newest_s[:-KEPT_TIMINGS]


@dataclass(slots=True)
class Snapshot:
    """The numbers of one process at one moment; can be added to others and pickled."""

    values: dict[Key, float] = field(default_factory=dict)
    timings: dict[Key, Timing] = field(default_factory=dict)


class Meter:
    """Counts what happens in one process.

    >>> meter = Meter()
    >>> meter.count("frames_total", camera="gate")
    >>> meter.value("frames_total", camera="gate")
    1.0
    """

    def __init__(self) -> None:
        self._values: dict[Key, float] = defaultdict(float)
        self._timings: dict[Key, Timing] = {}

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Add ``by`` to a counter named in :data:`COUNTERS`."""
        self._values[_known(COUNTERS, name, labels)] += by

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge named in :data:`GAUGES`."""
        self._values[_known(GAUGES, name, labels)] = value

    def time(self, name: str, value_s: float, **labels: str) -> None:
        """Add a duration named in :data:`TIMINGS`."""
        self._timings.setdefault(_known(TIMINGS, name, labels), Timing()).add(value_s)

    def value(self, name: str, **labels: str) -> float:
        """The present value of a counter or gauge; 0 when it never moved."""
        return self._values.get(_key(name, labels), 0.0)

    def snapshot(self) -> Snapshot:
        """A copy of everything counted so far."""
        timings = {
            key: Timing(one.count, one.sum_s, list(one.newest_s[-KEPT_TIMINGS:]), list(one.buckets))
            for key, one in self._timings.items()
        }
        return Snapshot(dict(self._values), timings)


def resident_bytes() -> int:
    """Memory that this process holds now; the most it ever held where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as numbers:
            return int(numbers.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_of(process: str) -> Snapshot:
    """A snapshot that says what this process holds."""
    return Snapshot({_key("memory_rss_bytes", {"process": process}): float(resident_bytes())})


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Counters and gauges added, timings joined, key by key."""
    total = Snapshot()
    for one in snapshots:
        for key, value in one.values.items():
            total.values[key] = total.values.get(key, 0.0) + value
        for key, timing in one.timings.items():
            into = total.timings.setdefault(key, Timing())
            into.count += timing.count
            into.sum_s += timing.sum_s
            into.newest_s.extend(timing.newest_s)
            into.buckets = [sum(pair) for pair in zip(into.buckets, timing.buckets, strict=True)]
    return total


def percentile_s(timing: Timing | None, fraction: float) -> float | None:
    """The value below which ``fraction`` of the newest durations lie; None without any.

    >>> percentile_s(Timing(3, 6.0, [1.0, 2.0, 3.0]), 0.5)
    2.0
    """
    if timing is None or not timing.newest_s:
        return None
    ordered = sorted(timing.newest_s)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def _known(table: Mapping[str, str], name: str, labels: Mapping[str, str]) -> Key:
    if name not in table:
        raise KeyError(name)
    return _key(name, labels)


def _key(name: str, labels: Mapping[str, str]) -> Key:
    return name, tuple(sorted(labels.items()))
