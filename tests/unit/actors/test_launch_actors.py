"""What a deployment of a model is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.actors import launch_actors
from lfr_ray.actors.launch_actors import QUEUED_A_STREAM, QUEUED_BATCHES, detector_deployment, max_ongoing_requests
from lfr_ray.config import DetectorConfig, SiteConfig


class Options:
    """A class of actors for Ray, which keeps what its next actor is made with."""

    def options(self, **given: Any) -> Options:
        self.given = given
        return self

    def remote(self, *_: object) -> None:
        """Make the actor."""


@pytest.mark.parametrize("gpus", [0.0, 0.25])
def test_a_process_for_recordings_reserves_its_share_of_a_card(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gpus: float
) -> None:
    made = Options()
    monkeypatch.setattr(launch_actors, "_actor_class", lambda _kind: made)
    site = SiteConfig(site="pier", data_dir=tmp_path, camera_cpus=0.5)
    launch_actors.footage_worker(site, 3, gpus)
    reserved = {"num_cpus": 0.5, "num_gpus": gpus, "resources": {}}
    lasting = {"lifetime": "detached", "get_if_exists": True, "max_restarts": -1, "max_task_retries": 0}
    assert (reserved | lasting).items() <= made.given.items()


HEAVY = ("torch", "onnxruntime", "ultralytics", "openvino", "lancedb", "sqlalchemy")
LOADED = "import sys, {}\nprint(*sorted(set({}) & set(sys.modules)))"


@pytest.mark.parametrize(
    "process",
    [
        "camera_actor",
        "detector_replica",
        "embedder_replica",
        "fleet_replica",
        "launch_actors",
        "footage_pool",
        "footage_worker",
    ],
)
def test_a_process_loads_no_more_than_it_runs(process: str) -> None:
    code = LOADED.format(f"lfr_ray.actors.{process}", HEAVY)
    outcome = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.split() == []


@pytest.mark.parametrize(
    ("device", "fields", "requests"),
    [
        ("auto", {"streams": 2, "cpus": 0.6}, 2 * QUEUED_A_STREAM),
        ("cpu", {"cpus": 4, "max_batch": 64}, 4 * QUEUED_A_STREAM),
        ("auto", {"gpus": 0.5, "max_batch": 16}, 16 * QUEUED_BATCHES),
        ("cuda", {"max_batch": 8}, 8 * QUEUED_BATCHES),
    ],
)
def test_a_replica_holds_requests_by_streams_or_by_batches(device: Any, fields: dict[str, Any], requests: int) -> None:
    site = SiteConfig(site="pier", device=device, detector=DetectorConfig(**fields))
    assert max_ongoing_requests(site, site.detector) == requests
    deployment = detector_deployment(site)._bound_deployment
    assert (deployment.max_ongoing_requests, deployment.num_replicas) == (requests, 1)
    reserved = deployment.ray_actor_options
    assert (reserved["num_cpus"], reserved["num_gpus"]) == (site.detector.cpus, site.detector.gpus)
