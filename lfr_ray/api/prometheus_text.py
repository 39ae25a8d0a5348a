"""A snapshot of the metrics as Prometheus reads it; every name begins with ``lfr_``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lfr_ray.metrics import BUCKETS_S, COUNTERS, GAUGES, TIMINGS, Snapshot

PREFIX = "lfr_"
ENDS = (*map(str, BUCKETS_S), "+Inf")


class SnapshotCollector(Collector):
    """Renders one snapshot, and nothing of this process."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """Every metric that the tables name, also those that never moved."""
        for name, text in COUNTERS.items():
            yield self._filled(CounterMetricFamily(PREFIX + name.removesuffix("_total"), text), name, "_total")
        for name, text in GAUGES.items():
            yield self._filled(GaugeMetricFamily(PREFIX + name, text), name, "")
        for name, text in TIMINGS.items():
            yield self._timed(HistogramMetricFamily(PREFIX + name, text), name)

    def _filled(self, family: Metric, name: str, suffix: str) -> Metric:
        for (key, labels), value in sorted(self._snapshot.values.items()):
            if key == name:
                family.add_sample(family.name + suffix, dict(labels), value)
        return family

    def _timed(self, family: Metric, name: str) -> Metric:
        for (key, labels), timing in sorted(self._snapshot.timings.items(), key=lambda item: item[0]):
            if key == name:
                for end, count in zip(ENDS, accumulate(timing.buckets), strict=True):
                    family.add_sample(f"{family.name}_bucket", {**dict(labels), "le": end}, count)
                family.add_sample(f"{family.name}_count", dict(labels), timing.count)
                family.add_sample(f"{family.name}_sum", dict(labels), timing.sum_s)
        return family


def exposition(snapshot: Snapshot) -> bytes:
    """The text that Prometheus reads.

    >>> from lfr_ray.metrics import Meter
    >>> meter = Meter()
    >>> meter.count("frames_total", 3, camera="gate")
    >>> b'lfr_frames_total{camera="gate"} 3.0' in exposition(meter.snapshot())
    True
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(snapshot))
    return bytes(generate_latest(registry))
