"""A plan played through: sums that a person can check where nobody waits, and what comes of too little."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lfr_ray.plan.node_sizing import plan
from lfr_ray.plan.predicted_rates import predicted, streams_of
from tests.unit.plan.test_node_sizing import COSTS, CROWD, NODE, _site


def test_where_nobody_waits_an_answer_takes_as_long_as_its_parts() -> None:
    site = _site(1)
    found = plan(site, COSTS, NODE, CROWD)
    expected = predicted(site, COSTS, CROWD, found)
    detect_ms = COSTS.detect.of_ms(site.detector.width_px, site.detector.height_px)
    assert expected.fps == pytest.approx(10.0, rel=0.01)
    assert expected.p50_ms == pytest.approx(detect_ms + COSTS.embed_ms, rel=0.01)
    assert expected.detectors == pytest.approx(10 * detect_ms / 1000 / streams_of(found.detector_units), rel=0.02)
    assert expected.embedders == pytest.approx(10 * COSTS.embed_ms / 1000, rel=0.1)


def test_too_few_detectors_work_all_the_time_and_frames_are_not_looked_at() -> None:
    site = _site(20)
    found = replace(plan(site, COSTS, NODE, CROWD), detectors=1, detector_units=1.0)
    expected = predicted(site, COSTS, CROWD, found)
    detect_s = COSTS.detect.of_ms(site.detector.width_px, site.detector.height_px) / 1000
    assert expected.detectors == pytest.approx(1.0, abs=0.02)
    assert expected.fps == pytest.approx(1 / detect_s / 20, rel=0.05)
    assert expected.limit == "detectors"
    assert expected.p95_ms is not None
    assert expected.p95_ms > 10 * detect_s * 1000


def test_where_nobody_comes_there_is_no_answer() -> None:
    site = _site(2)
    crowd = replace(CROWD, people_per_min=0.0)
    expected = predicted(site, COSTS, crowd, plan(site, COSTS, NODE, crowd))
    assert (expected.p50_ms, expected.embedders) == (None, 0.0)


@pytest.mark.parametrize("cameras", [2, 8, 40, 200])
def test_serve_takes_no_replica_away_that_a_full_site_needs(cameras: int) -> None:
    site = _site(cameras)
    found = plan(site, COSTS, NODE, CROWD)
    expected = predicted(site, COSTS, CROWD, found)
    for name, count, busy, units in (
        ("detector", found.detectors, expected.detectors, found.detector_units),
        ("embedder", found.embedders, expected.embedders, found.embedder_units),
    ):
        at_work = busy * streams_of(units) * count
        assert at_work / found.target_ongoing[name] > count - 1
