"""The plan as a site file that `lfr run` takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lfr_ray.errors import ConfigError
from lfr_ray.plan.measured_costs import costs_of, hardware
from lfr_ray.plan.node_sizing import Crowd, Node, plan
from lfr_ray.plan.serve_config import BY_FRAMES_MISSED, with_plan
from lfr_ray.site_file import read_site_file

SITE = Path(__file__).resolve().parents[3] / "serve_configs" / "local.yaml"


@pytest.mark.parametrize("name", hardware())
def test_every_table_plans_a_file_that_is_valid(name: str, tmp_path: Path) -> None:
    costs = costs_of(name)
    read = read_site_file(SITE)
    found = plan(read.site, costs, Node(16, 1, 64, 10_000), Crowd())
    target = tmp_path / "planned.yaml"
    target.write_text(yaml.safe_dump(with_plan(read.document, found, costs)), encoding="utf-8")
    planned = read_site_file(target)
    assert planned.site.camera_cpus == found.camera_cpus
    assert [one.name for one in planned.site.cameras] == [one.name for one in read.site.cameras]
    scaled = {one["name"]: one["autoscaling_config"] for one in planned.document["applications"][0]["deployments"]}
    assert scaled["detector"]["max_replicas"] == found.detectors
    assert scaled["detector"]["policy"] == {"policy_function": BY_FRAMES_MISSED}
    assert scaled["embedder"]["target_ongoing_requests"] == found.target_ongoing["embedder"]


def test_a_plan_for_processors_reserves_no_gpu_that_the_file_did() -> None:
    costs = costs_of("epyc-bf16")
    read = read_site_file(SITE.with_name("airshow.yaml"))
    assert read.site.detector.gpus
    document = with_plan(read.document, plan(read.site, costs, Node(16, 0, 64, 10_000), Crowd()), costs)
    args = document["applications"][0]["args"]
    assert [args[name]["gpus"] for name in ("detector", "embedder")] == [0, 0]


def test_hardware_that_nobody_measured_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"benchmarks\.costs"):
        costs_of("abacus")
