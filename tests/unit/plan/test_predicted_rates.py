"""A plan played through: sums that a person can check where nobody waits, and what comes of too little."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lfr_ray.camera.frame_pace import TOLERANCE
from lfr_ray.plan.measured_costs import Growth
from lfr_ray.plan.node_sizing import plan
from lfr_ray.plan.predicted_rates import EARLY, predicted, streams_of
from tests.unit.plan.test_node_sizing import COSTS, CROWD, NODE, _site


@pytest.mark.parametrize(("people_per_min", "views"), [(20.0, 1), (60.0, 2)])
def test_where_nobody_waits_an_answer_takes_as_long_as_its_parts(people_per_min: float, views: int) -> None:
    """Of 25 frames a second those after 0, 0.12, 0.2, 0.32 s are looked at, so that a view comes 0.2 s after the last.

    Ten of them take two seconds: of people who come every second, two are in view at a time.
    """
    site, crowd = _site(1), replace(CROWD, people_per_min=people_per_min)
    found = plan(site, COSTS, NODE, crowd)
    expected = predicted(site, COSTS, crowd, found)
    detect_ms = COSTS.detect.of_ms(site.detector.width_px, site.detector.height_px)
    assert expected.fps == pytest.approx(10.0, rel=0.01)
    assert expected.p50_ms == pytest.approx(detect_ms + views * COSTS.embed_ms, rel=0.01)
    assert expected.detectors == pytest.approx(10 * detect_ms / 1000 / streams_of(found.detector_units), rel=0.02)
    taken_a_s = people_per_min / 60 * site.evidence.max_views
    assert expected.embedders == pytest.approx(taken_a_s * COSTS.embed_ms / 1000, rel=0.05)


@pytest.mark.parametrize("fps", [10.0, 12.0, 12.5, 15.0, 50.0])
def test_no_look_is_left_out_at_whatever_rate_a_stream_comes(fps: float) -> None:
    site, crowd = _site(1), replace(CROWD, fps=fps)
    assert predicted(site, COSTS, crowd, plan(site, COSTS, NODE, crowd)).fps == pytest.approx(10.0, rel=0.01)


def test_a_frame_that_comes_early_and_is_answered_at_once_is_looked_at_once() -> None:
    site, crowd = _site(1), replace(CROWD, fps=10.1)
    costs = COSTS.model_copy(update={"detect": Growth(ms=0.0, ms_per_mpx=0.001)})
    assert predicted(site, costs, crowd, plan(site, costs, NODE, crowd)).fps == pytest.approx(10.0, rel=0.01)


def test_a_planned_look_may_be_as_early_as_a_cameras() -> None:
    assert EARLY == TOLERANCE


def test_one_person_brings_no_more_views_than_are_kept_nor_sooner_than_they_may_come() -> None:
    site, crowd = _site(1), replace(CROWD, people_per_min=6.0)
    few = site.model_copy(update={"evidence": site.evidence.model_copy(update={"max_views": 4, "spacing_s": 1.0})})
    found = plan(site, COSTS, NODE, crowd)
    every, kept = predicted(site, COSTS, crowd, found), predicted(few, COSTS, crowd, found)
    assert kept.embedders == pytest.approx(every.embedders * 4 / site.evidence.max_views, rel=0.05)
    crowded = replace(crowd, people_per_min=60.0)
    # A view a second of each of four people who came a second apart: all in one frame.
    detect_ms = COSTS.detect.of_ms(site.detector.width_px, site.detector.height_px)
    assert predicted(few, COSTS, crowded, found).p50_ms == pytest.approx(detect_ms + 4 * COSTS.embed_ms, rel=0.01)


def test_how_cameras_keep_step_is_averaged_over_many_of_them() -> None:
    """Two cameras wait for each other only where their frames come at the same time, which one draw does not tell."""
    site = _site(2)
    found = replace(plan(site, COSTS, NODE, CROWD), detectors=1, detector_units=1.0)
    expected = predicted(site, COSTS, CROWD, found)
    detect_ms = COSTS.detect.of_ms(site.detector.width_px, site.detector.height_px)
    assert expected.p50_ms is not None
    assert expected.p95_ms is not None
    assert expected.p95_ms - expected.p50_ms > detect_ms / 4


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
