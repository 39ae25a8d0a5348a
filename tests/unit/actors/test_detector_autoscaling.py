"""How many detectors are wanted by the frames that cameras miss."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from ray.serve.config import AutoscalingConfig

from lfr_ray.actors.detector_autoscaling import (
    LATELY_S,
    LATELY_TOLD,
    MISSED,
    UNKNOWN,
    Drops,
    MissedFrames,
    by_frames_missed,
)
from lfr_ray.plan.serve_config import BY_FRAMES_MISSED


def wanted(*shares: float, requests: float = 0.0, current: int = 2, target: int | None = None) -> float:
    """Of replicas that told these shares, each its newest."""
    context: Any = SimpleNamespace(
        total_num_requests=requests,
        raw_metrics={MISSED: {name: [SimpleNamespace(value=one)] for name, one in enumerate(shares)}},
        current_num_replicas=current,
        target_num_replicas=current if target is None else target,
        config=AutoscalingConfig(target_ongoing_requests=4),
    )
    return by_frames_missed(context)[0]


@pytest.mark.parametrize(
    ("shares", "requests", "replicas"),
    [
        ((), 12.0, 3.0),
        ((UNKNOWN, UNKNOWN), 12.0, 3.0),
        ((0.0, 0.05), 4.0, 1.0),
        ((0.5, 0.5), 0.0, 4.0),
        ((0.5, UNKNOWN), 0.0, 4.0),
        ((0.5, 0.5), 40.0, 10.0),
        ((1.0, 1.0), 0.0, 20.0),
    ],
)
def test_as_many_more_as_would_look_at_the_frames_that_are_missed(
    shares: tuple[float, ...], requests: float, replicas: float
) -> None:
    assert wanted(*shares, requests=requests) == pytest.approx(replicas)


def test_none_is_taken_away_while_frames_are_missed_and_none_asked_for_twice_while_it_starts() -> None:
    assert wanted(0.2, current=2, target=5) == 5


def test_a_replica_knows_what_cameras_told_it_lately() -> None:
    told = MissedFrames()
    assert told.share(0.0) == UNKNOWN
    told.tell("pier", 0.8, 0.0)
    told.tell("pier", 0.6, 1.0)
    told.tell("gate", 0.2, 5.0)
    assert told.share(6.0) == pytest.approx(0.4)
    assert told.share(1.0 + LATELY_S) == pytest.approx(0.2)
    assert told.share(5.0 + LATELY_S) == UNKNOWN


def test_a_camera_tells_of_its_newest_frames() -> None:
    drops = Drops()
    assert drops.share(100, 50) == 0.0
    assert drops.share(110, 55) == pytest.approx(0.5)
    for second in range(LATELY_TOLD):
        share = drops.share(120 + 10 * second, 55)
    assert share == 0.0


def test_the_plan_names_what_serve_can_take_into_its_controller() -> None:
    module, _, name = BY_FRAMES_MISSED.partition(":")
    assert getattr(import_module(module), name) is by_frames_missed
    policy = AutoscalingConfig(policy={"policy_function": BY_FRAMES_MISSED}).policy
    assert policy.get_serialized_policy_def()
