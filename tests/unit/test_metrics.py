"""Counting: closed names, no shared state, sums over processes."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.metrics import BUCKETS_S, COUNTERS, GAUGES, KEPT_TIMINGS, TIMINGS, Meter, Timing, merged, percentile_s


def test_names_are_prometheus_names_with_their_unit() -> None:
    names = [*COUNTERS, *GAUGES, *TIMINGS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
    assert all(name.endswith("_total") for name in COUNTERS)
    assert all(name.endswith("_seconds") for name in TIMINGS)
    assert not any(name.endswith("_total") for name in GAUGES)
    assert all(text.strip() for table in (COUNTERS, GAUGES, TIMINGS) for text in table.values())


@pytest.mark.parametrize("call", ["count", "gauge", "time"])
def test_an_unknown_name_is_an_error(call: str) -> None:
    arguments = ("no_such_metric",) if call == "count" else ("no_such_metric", 1.0)
    with pytest.raises(KeyError, match="no_such_metric"):
        getattr(Meter(), call)(*arguments)


def test_a_counter_is_not_a_gauge() -> None:
    with pytest.raises(KeyError):
        Meter().gauge("frames_total", 1.0)
    with pytest.raises(KeyError):
        Meter().count("camera_blind")


def test_labels_keep_counts_apart_in_any_order() -> None:
    meter = Meter()
    meter.count("views_rejected_total", camera="gate", reason="small")
    meter.count("views_rejected_total", 2, reason="small", camera="gate")
    meter.count("views_rejected_total", camera="pier", reason="small")
    assert meter.value("views_rejected_total", camera="gate", reason="small") == 3.0
    assert meter.value("views_rejected_total", camera="pier", reason="small") == 1.0
    assert meter.value("views_rejected_total") == 0.0


def test_meters_share_nothing() -> None:
    first, second = Meter(), Meter()
    first.count("frames_total")
    first.time("detect_seconds", 0.1)
    assert second.value("frames_total") == 0.0
    assert second.snapshot().timings == {}


def test_a_snapshot_is_a_copy() -> None:
    meter = Meter()
    meter.count("frames_total")
    meter.time("detect_seconds", 0.1)
    before = meter.snapshot()
    meter.count("frames_total")
    meter.time("detect_seconds", 0.2)
    key = ("frames_total", ())
    assert before.values[key] == 1.0
    assert before.timings[("detect_seconds", ())].newest_s == [0.1]
    assert pickle.loads(pickle.dumps(before)).values == before.values


@given(st.lists(st.lists(st.floats(0, 10), max_size=20), max_size=5))
def test_the_sum_over_processes_is_the_sum_of_all(processes: list[list[float]]) -> None:
    snapshots = []
    for durations in processes:
        meter = Meter()
        for value_s in durations:
            meter.count("frames_total", camera="gate")
            meter.time("detect_seconds", value_s)
        snapshots.append(meter.snapshot())
    total = merged(snapshots)
    everything = [value for durations in processes for value in durations]
    assert total.values.get(("frames_total", (("camera", "gate"),)), 0.0) == len(everything)
    timing = total.timings.get(("detect_seconds", ()), Timing())
    assert timing.count == len(everything)
    assert timing.sum_s == pytest.approx(sum(everything))
    assert sorted(timing.newest_s) == sorted(everything)
    assert sum(timing.buckets) == len(everything)
    assert timing.buckets[0] == sum(value <= BUCKETS_S[0] for value in everything)


def test_timings_stay_bounded_while_count_and_sum_go_on() -> None:
    meter = Meter()
    for number in range(3 * KEPT_TIMINGS):
        meter.time("match_seconds", float(number))
    timing = meter.snapshot().timings[("match_seconds", ())]
    assert timing.count == 3 * KEPT_TIMINGS
    assert len(timing.newest_s) == KEPT_TIMINGS
    assert timing.newest_s[-1] == 3 * KEPT_TIMINGS - 1


@pytest.mark.parametrize(("fraction", "value_s"), [(0.0, 1.0), (0.5, 3.0), (0.95, 5.0), (1.0, 5.0)])
def test_percentiles_of_the_newest(fraction: float, value_s: float) -> None:
    assert percentile_s(Timing(5, 15.0, [5.0, 1.0, 3.0, 2.0, 4.0]), fraction) == value_s


def test_no_timing_has_no_percentile() -> None:
    assert percentile_s(None, 0.5) is None
    assert percentile_s(Timing(), 0.5) is None
