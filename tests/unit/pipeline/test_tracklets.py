"""Tracklets: enough views before a comparison, one alert each, and nothing left afterwards."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine

import numpy as np
import pytest

from lfr_ray.config import EvidenceConfig
from lfr_ray.pipeline.tracklets import Tracklets
from lfr_ray.records import Probe, Quality, View

CONFIG = EvidenceConfig(min_views=3, min_agreeing=3, max_views=4, spacing_s=0.1)


def view(track: int, frame: int, value: float = 0.5, covered: str = "") -> View:
    quality = Quality(60, 100, 128, 0, 0, 0, 0.9, value)
    return View(
        track,
        frame,
        frame * 0.1,
        1000 + frame * 0.1,
        np.zeros(4, np.float32),
        np.zeros((5, 2), np.float32),
        quality,
        np.zeros((150, 150, 3), np.uint8),
        covered,
    )


def vector(seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=128).astype(np.float32)
    return raw / np.linalg.norm(raw)


def feed(tracklets: Tracklets, frames: range, track: int = 1) -> list[Probe | None]:
    probes = []
    for frame in frames:
        one = view(track, frame)
        if tracklets.wants(track, one.quality, frame, one.captured_s):
            probes.append(tracklets.add(one, vector(frame), np.zeros((8, 8, 3), np.uint8)))
    return probes


@pytest.fixture
def tracklets() -> Tracklets:
    return Tracklets(CONFIG, "gate", "dlib_resnet")


def test_nothing_is_compared_before_min_views(tracklets: Tracklets) -> None:
    probes = feed(tracklets, range(4))
    assert probes[:2] == [None, None]
    third, fourth = probes[2], probes[3]
    assert third is not None
    assert fourth is not None
    assert third.vectors.shape == (3, 128)
    assert fourth.vectors.shape == (4, 128)
    assert fourth.captured_at == pytest.approx(1000.3)
    np.testing.assert_array_equal(fourth.vectors[2], vector(2))


def test_one_alert_a_tracklet_and_then_no_more_views(tracklets: Tracklets) -> None:
    feed(tracklets, range(3))
    assert tracklets.mark_alerted(1)
    assert tracklets.mark_alerted(1) == ()
    assert feed(tracklets, range(3, 10)) == []


def test_an_alert_shows_the_best_four_views_the_best_first() -> None:
    config = EvidenceConfig(min_views=3, min_agreeing=3, max_views=9, spacing_s=0.1)
    tracklets = Tracklets(config, "gate", "m")
    for frame, value in enumerate((0.2, 0.9, 0.4, 0.6, 0.3, 0.5)):
        one = view(1, frame, value)
        assert tracklets.wants(1, one.quality, frame, one.captured_s)
        tracklets.add(one, vector(frame), np.full((8, 8, 3), frame, np.uint8))
    found = tracklets.mark_alerted(1)
    assert [(one.quality.value, one.crop[0, 0, 0]) for one in found] == [(0.9, 1), (0.6, 3), (0.5, 5), (0.4, 2)]


def test_an_ended_tracklet_waits_for_its_comparison_but_not_for_ever(tracklets: Tracklets) -> None:
    one = view(1, 0)
    assert tracklets.wants(1, one.quality, 0, 0.0)
    with tracklets.held([one]):
        tracklets.end((1,), now_s=50.0)
        assert tracklets.forget(50.1, limit_s=0.9) == []
        assert len(tracklets) == 1
        (gone,) = tracklets.forget(50.95, limit_s=0.9)
    assert gone.acquired
    assert gone.after_s == pytest.approx(0.95)
    assert len(tracklets) == 0
    assert tracklets.add(one, vector(0), np.zeros((8, 8, 3), np.uint8)) is None, "too late: the person is forgotten"


def test_forgetting_leaves_no_object_behind(tracklets: Tracklets) -> None:
    one, data = view(1, 0), vector(0)
    watched = weakref.ref(data)
    tracklets.wants(1, one.quality, 0, 0.0)
    tracklets.add(one, data, np.zeros((8, 8, 3), np.uint8))
    del data
    assert watched() is not None, "kept while the person passes"
    tracklets.end((1,), 1.0)
    tracklets.forget(1.0, 0.9)
    assert watched() is None


def test_a_view_that_lost_its_place_is_not_compared(tracklets: Tracklets) -> None:
    late = view(1, 0, value=0.1)
    assert tracklets.wants(1, late.quality, 0, 0.0)
    for frame in range(1, 5):
        good = view(1, frame, value=0.9)
        assert tracklets.wants(1, good.quality, frame, good.captured_s)
    assert tracklets.add(late, vector(0), np.zeros((8, 8, 3), np.uint8)) is None


def test_a_refusal_clears_what_was_collected(tracklets: Tracklets) -> None:
    feed(tracklets, range(4))
    tracklets.clear_vectors()
    assert feed(tracklets, range(4, 6)) == [None, None], "evidence starts from nothing again"


def test_rejected_views_count_as_not_compared(tracklets: Tracklets) -> None:
    blurred = Quality(60, 1, 128, 0, 0, 0, 0.9, 0.0, "blurred")
    assert not tracklets.wants(1, blurred, 0, 0.0)
    tracklets.end((1,), 1.0)
    (gone,) = tracklets.forget(1.0, 0.9)
    assert not gone.acquired


def test_a_withdrawn_view_gives_its_place_to_another(tracklets: Tracklets) -> None:
    feed(tracklets, range(4))
    assert not tracklets.wants(1, view(1, 4).quality, 4, 0.4), "every place is taken by views as good"
    tracklets.withdraw(view(1, 2))
    later = view(1, 5)
    assert tracklets.wants(1, later.quality, 5, later.captured_s)
    probe = tracklets.add(later, vector(5), np.zeros((8, 8, 3), np.uint8))
    assert probe is not None
    assert probe.vectors.shape == (4, 128)


def test_an_answer_that_comes_after_the_vectors_were_cleared_costs_no_later_alert(tracklets: Tracklets) -> None:
    feed(tracklets, range(3))
    tracklets.clear_vectors()
    assert tracklets.mark_alerted(1) == ()
    feed(tracklets, range(10, 13))
    assert tracklets.mark_alerted(1)


def given(tracklets: Tracklets, covered: list[str], values: list[float] | None = None) -> list[Probe | None]:
    probes = []
    for frame, region in enumerate(covered):
        one = view(1, frame, 0.5 if values is None else values[frame], region)
        assert tracklets.wants(1, one.quality, frame, one.captured_s)
        probes.append(tracklets.add(one, vector(frame), np.zeros((8, 8, 3), np.uint8)))
    return probes


def test_views_with_different_parts_covered_are_never_fused(tracklets: Tracklets) -> None:
    probes = given(
        Tracklets(EvidenceConfig(min_views=3, min_agreeing=3, max_views=9, spacing_s=0.1), "gate", "m"),
        ["", "lower", "lower", "", "lower", ""],
    )
    assert [probe is None for probe in probes[:4]] == [True] * 4, "two of each kind are too few"
    fifth = probes[4]
    assert fifth is not None
    assert (fifth.covered, len(fifth.vectors)) == ("lower", 3)
    np.testing.assert_array_equal(fifth.vectors, np.stack([vector(1), vector(2), vector(4)]))
    assert probes[5] is not None, "three of each: the uncovered ones are worth as much"
    assert probes[5].covered == ""


def test_the_kind_that_is_worth_more_counts() -> None:
    config = EvidenceConfig(min_views=3, min_agreeing=3, max_views=9, spacing_s=0.1)
    probes = given(Tracklets(config, "gate", "m"), ["upper"] * 3 + [""] * 3, [0.9, 0.9, 0.9, 0.2, 0.2, 0.2])
    assert probes[2] is not None
    assert probes[2].covered == "upper"
    assert probes[3:] == [None] * 3, "nothing new is known of the views that count"


async def cancelled(tracklets: Tracklets, views: list[View]) -> None:
    async def compare() -> None:
        with tracklets.held(views):
            await asyncio.Event().wait()

    task = asyncio.create_task(compare())
    await asyncio.sleep(0)
    assert tracklets.forget(1.0, 0.9) == [], "held"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def timed_out(tracklets: Tracklets, views: list[View]) -> None:
    async def compare() -> None:
        with tracklets.held(views):
            await asyncio.Event().wait()

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(compare(), 0.001)


async def failed(tracklets: Tracklets, views: list[View]) -> None:
    with pytest.raises(OSError, match="died"), tracklets.held(views):
        raise OSError("the replica died")


@pytest.mark.parametrize("comparison", [cancelled, timed_out, failed])
def test_however_a_comparison_ends_it_releases_its_tracklets(
    tracklets: Tracklets, comparison: Callable[[Tracklets, list[View]], Coroutine[None, None, None]]
) -> None:
    views = [view(1, 0), view(1, 1), view(2, 1)]
    for one in views:
        tracklets.wants(one.track, one.quality, one.frame_index, one.captured_s)
    tracklets.end((1, 2), 1.0)
    asyncio.run(comparison(tracklets, views))
    assert len(tracklets.forget(1.0, 0.9)) == 2


def test_what_is_forgotten_shows_nobody_even_where_it_is_still_held(tracklets: Tracklets) -> None:
    feed(tracklets, range(3))
    tracklet = tracklets.awaiting_alert(1)
    assert tracklet is not None
    tracklets.end((1,), 1.0)
    tracklets.forget(1.0, 0.9)
    assert (tracklet.views, tracklet.best) == ({}, ())
