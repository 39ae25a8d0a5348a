"""What nodes lack is named while the site runs: also what all of them together lack after one was lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ray.serve.schema import ApplicationStatusOverview, DeploymentStatusOverview, ServeStatus

from lfr_ray.actors import node_watch, reserved_resources
from lfr_ray.actors.node_watch import NodeWatch, given_up
from lfr_ray.config import CameraConfig, SiteConfig

SITE = SiteConfig(
    site="pier",
    cameras=(CameraConfig(name="gate", url="demo:gate", network="quay"),),
    detector={"replicas": 2, "cpus": 2.0},
    embedder={"cpus": 1.0},
)


def node(address: str, **resources: float) -> dict[str, Any]:
    return {"NodeID": address * 7, "NodeManagerAddress": address, "Alive": True, "Resources": resources}


BOTH = [node("192.0.2.1", CPU=4.0), node("192.0.2.2", CPU=4.0, **{"network:quay": 1.0})]


@pytest.mark.parametrize(
    ("nodes", "faults", "told"),
    [
        (BOTH, {}, ""),
        (BOTH[:1], {}, "the cluster lacks CPU 1.1, network:quay 0.001"),
        ([BOTH[0] | {"Resources": {"CPU": 1.0, "network:quay": 1.0}}] * 9, {}, "no node of the cluster has CPU 2 for"),
        (BOTH, {"192.0.2.2": "lfr_ray 0.0.1"}, "node 192.0.2.2: lfr_ray 0.0.1"),
    ],
)
def test_what_is_lacking_is_named(
    nodes: list[dict[str, Any]], faults: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    present: dict[str, float] = {}
    for one in nodes:
        for name, amount in one["Resources"].items():
            present[name] = present.get(name, 0.0) + amount
    monkeypatch.setattr(node_watch.ray, "nodes", lambda: nodes)
    monkeypatch.setattr(reserved_resources.ray, "cluster_resources", lambda: present)
    monkeypatch.setattr(node_watch, "fault_of", lambda _site, one: faults.get(one["NodeManagerAddress"], ""))
    watch = NodeWatch(SITE, "lfr")
    asyncio.run(watch._look_at_new())
    assert watch.lacking.startswith(told)
    assert bool(watch.lacking) == bool(told)


def test_what_serve_has_given_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so once; the processes that are missing are not being started."""
    state = DeploymentStatusOverview
    deployments = {name: state(status, "CONSTRUCTOR", {}, "") for name, status in STATES.items()}
    overview = ApplicationStatusOverview("DEPLOY_FAILED", "", 0.0, deployments)
    monkeypatch.setattr(node_watch.serve, "status", lambda: ServeStatus(applications={"lfr": overview}))
    assert given_up("lfr") == "Serve has given up embedder, fleet: `serve status` says why; mend it and deploy again"
    assert given_up("another") == ""
    watch, waits = NodeWatch(SITE, "lfr"), {"pier/waits": "the bucket is away"}
    monkeypatch.setattr(node_watch, "noted", lambda name: waits.get(name, ""))
    monkeypatch.setattr(node_watch.ray, "nodes", list)
    monkeypatch.setattr(node_watch, "lacking", lambda _site: "")
    asyncio.run(watch._look_at_serve())
    asyncio.run(watch._look_at_new())
    assert watch.lacking.startswith("the site ran before and waits: the bucket is away; Serve has given up embedder")
    waits.clear()
    monkeypatch.setattr(node_watch.serve, "status", ServeStatus)
    asyncio.run(watch._look_at_serve())
    asyncio.run(watch._look_at_new())
    assert watch.lacking == ""


STATES = {"fleet": "DEPLOY_FAILED", "embedder": "DEPLOY_FAILED", "detector": "HEALTHY", "ingress": "UPDATING"}
