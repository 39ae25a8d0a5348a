"""What is simulated: at which pace, which cameras, and from when on it is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lfr_ray.actors import detector_replica
from lfr_ray.camera.simulated_frames import simulated_footage
from lfr_ray.cli import simulate
from lfr_ray.config import DetectorConfig, SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.metrics import Snapshot
from lfr_ray.models.simulated_models import DETECTOR
from lfr_ray.plan.node_sizing import plan
from tests.unit.plan.test_node_sizing import COSTS, CROWD, NODE, _site


def test_time_passes_as_slowly_as_two_cores_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "usable_cores", lambda: 2)
    assert [simulate.slower_for(cameras, 10.0) for cameras in (1, 140, 280, 560)] == [1.0, 100.0, 200.0, 400.0]


def test_only_waiting_is_slower_and_what_a_site_decides_by_is_as_it_was_planned(tmp_path: Path) -> None:
    site = _site(20)
    found = plan(site, COSTS, NODE, CROWD)
    (once, _), (slowly, _) = (
        simulate.simulated_document(site, COSTS, CROWD, found, slower, tmp_path) for slower in (1.0, 16.0)
    )
    args, usual = slowly["applications"][0]["args"], once["applications"][0]["args"]
    for camera in args["cameras"]:
        footage = simulated_footage(camera["url"])
        assert footage.slower == 16.0
        assert footage.within_s == pytest.approx(1 / camera["max_fps"]), "cameras do not keep step"
        assert camera["max_fps"] == site.cameras[0].max_fps
        assert (footage.fps, footage.people_per_min) == (CROWD.fps, CROWD.people_per_min)
    for stage in ("detector", "embedder"):
        took_ms = [float(one[stage]["model"].rpartition("-")[2]) for one in (usual, args)]
        assert took_ms[1] == pytest.approx(16 * took_ms[0], rel=1e-3)
    assert args["track"] == site.track.model_dump()
    assert args["evidence"] == site.evidence.model_dump()


@pytest.mark.parametrize("slower", [1.0, 16.0, 143.0, 700.0])
def test_nothing_is_measured_while_those_of_the_start_are_compared(slower: float) -> None:
    site = _site(1)
    wait_s, most = simulate.settling(site, slower)
    assert most >= simulate.LEAST_WAITS
    first_views_s = site.evidence.max_views * 2 * 0.1 * slower
    assert simulate.LEAST_WAITS * wait_s > first_views_s, "a stream of 25 frames a second gives a view every 0.2 s"


@pytest.mark.parametrize(
    ("failed", "waits"), [((0, 0), 2), ((5, 8, 8), 3), ((1, 2, 3, 4, 5), 4)], ids=["well", "then well", "never well"]
)
def test_nothing_is_measured_while_looks_fail(failed: tuple[int, ...], waits: int) -> None:
    waited: list[int] = []
    left = iter(failed)

    def counted() -> Snapshot:
        assert len(waited) > 0
        return Snapshot({("stage_failures_total", (("stage", "detect"),)): float(next(left)), ("other", ()): 9.0})

    simulate.wait_while_failing(counted, lambda: waited.append(1), most=4)
    assert len(waited) == waits


@pytest.mark.parametrize("frames", [3.0, None], ids=["began anew", "gone"])
def test_nothing_is_said_of_a_plan_whose_processes_ended_while_it_was_measured(frames: float | None) -> None:
    pier, gate = ("frames_total", (("camera", "pier"),)), ("frames_total", (("camera", "gate"),))
    before = Snapshot({pier: 8.0, gate: 8.0, ("memory_rss_bytes", ()): 9.0})
    simulate.refuse_begun_anew(before, Snapshot({pier: 8.0, gate: 20.0}))
    with pytest.raises(ResourceError, match="ended while it measured") as caught:
        simulate.refuse_begun_anew(before, Snapshot({gate: 20.0} if frames is None else {gate: 20.0, pier: frames}))
    assert caught.value.got.startswith("1 camera(s)")
    assert "--slower" in caught.value.next_step


@pytest.mark.parametrize(("model", "gives_way"), [(f"{DETECTOR}1", False), ("any-other", True)])
def test_a_model_that_only_waits_gives_way_to_nobody(
    model: str, gives_way: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gave_way: list[bool] = []

    def stop(_: SiteConfig) -> Any:
        raise InterruptedError

    monkeypatch.setattr(detector_replica, "give_way", lambda: gave_way.append(True))
    monkeypatch.setattr(detector_replica, "detector_of", stop)
    with pytest.raises(InterruptedError):
        detector_replica.DetectorReplica(SiteConfig(site="pier", detector=DetectorConfig(model=model)))
    assert bool(gave_way) == gives_way
