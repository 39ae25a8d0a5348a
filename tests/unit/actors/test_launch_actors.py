"""What a deployment of a model is given."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from lfr_ray.actors.launch_actors import QUEUED_A_STREAM, QUEUED_BATCHES, detector_deployment, max_ongoing_requests
from lfr_ray.config import DetectorConfig, SiteConfig

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
