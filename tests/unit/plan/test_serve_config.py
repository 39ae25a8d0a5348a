"""The plan as a site file that `lfr run` takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ray.serve._private.application_state import override_deployment_info
from ray.serve._private.config import DeploymentConfig, ReplicaConfig
from ray.serve._private.deployment_info import DeploymentInfo
from ray.serve.schema import ServeApplicationSchema

from lfr_ray.actors.own_node_first import OwnNodeFirst
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError
from lfr_ray.plan import measured_costs
from lfr_ray.plan.measured_costs import costs_of, hardware
from lfr_ray.plan.node_sizing import SECOND_UNITS, Crowd, Node, plan
from lfr_ray.plan.serve_config import BY_FRAMES_MISSED, with_plan
from lfr_ray.site_file import read_site_file

SITE = Path(__file__).resolve().parents[3] / "serve_configs" / "local.yaml"


@pytest.mark.parametrize("name", hardware())
def test_every_table_plans_a_file_that_is_valid(name: str, tmp_path: Path) -> None:
    costs = costs_of(name)
    read = read_site_file(SITE)
    found = plan(read.site, costs, Node(16, 1, 64, 10_000), Crowd(), nodes=2)
    target = tmp_path / "planned.yaml"
    target.write_text(yaml.safe_dump(with_plan(read.document, found, costs)), encoding="utf-8")
    planned = read_site_file(target)
    assert planned.site.camera_cpus == found.camera_cpus
    assert [one.name for one in planned.site.cameras] == [one.name for one in read.site.cameras]
    scaled = {one["name"]: one["autoscaling_config"] for one in planned.document["applications"][0]["deployments"]}
    assert scaled["detector"]["max_replicas"] == found.detectors
    assert scaled["detector"]["policy"] == {"policy_function": BY_FRAMES_MISSED}
    assert scaled["embedder"]["target_ongoing_requests"] == found.target_ongoing["embedder"]
    for name, model in (("detector", planned.site.detector), ("embedder", planned.site.embedder)):
        assert model.replicas == scaled[name]["min_replicas"], "the site waits for the nodes of those"


def test_how_many_requests_a_replica_holds_is_left_to_the_code() -> None:
    read = read_site_file(SITE.with_name("airshow.yaml"))
    costs = costs_of("epyc-bf16")
    document = with_plan(read.document, plan(read.site, costs, Node(16, 0, 64, 10_000), Crowd()), costs)
    for one in document["applications"][0]["deployments"]:
        assert "max_ongoing_requests" not in one
    config = ServeApplicationSchema.model_validate(document["applications"][0])
    code = DeploymentInfo(DeploymentConfig(max_ongoing_requests=8), ReplicaConfig.create(OwnNodeFirst), 0, "")
    found = override_deployment_info(dict.fromkeys(("detector", "embedder"), code), config)
    assert {one.deployment_config.max_ongoing_requests for one in found.values()} == {8}


def test_a_second_embedder_is_written_with_what_it_reserves() -> None:
    costs, read = costs_of("epyc-bf16"), read_site_file(SITE.with_name("airshow.yaml"))
    args = read.document["applications"][0]["args"]
    args["second_embedder"] = {"model": "dlib_resnet", "gpus": 0.2}
    args["embedder"]["model"] = "mobilefacenet_ms1m_tflite"
    site = SiteConfig.model_validate(args)
    written = with_plan(read.document, plan(site, costs, Node(16, 0, 64, 10_000), Crowd()), costs)["applications"][0]
    second = SiteConfig.model_validate(written["args"]).second_embedder
    assert second is not None
    assert (second.model, second.replicas, second.cpus, second.gpus) == ("dlib_resnet", 2, SECOND_UNITS, 0)
    assert {one["name"] for one in written["deployments"]} == {"detector", "embedder"}


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


def test_of_several_kinds_of_machine_one_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert costs_of().id == "epyc-bf16"
    monkeypatch.setattr(measured_costs, "hardware", lambda: ("epyc-bf16", "h100"))
    with pytest.raises(ConfigError, match=r"epyc-bf16, h100.*--hardware"):
        costs_of()
