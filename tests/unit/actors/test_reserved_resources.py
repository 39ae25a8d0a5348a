"""What a site reserves."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.actors import reserved_resources
from lfr_ray.actors.reserved_resources import (
    bundles,
    missing_resources,
    needed_resources,
    too_large,
    wait_for_resources,
)
from lfr_ray.config import DetectorConfig, SiteConfig
from lfr_ray.errors import ResourceError


def test_what_a_camera_reserves_of_its_network_is_asked_for_and_missed_by_name() -> None:
    cameras = [{"name": name, "url": "demo:gate", "network": network} for name, network in (("a", "pier"), ("b", ""))]
    site = SiteConfig.model_validate({"site": "pier", "cameras": cameras})
    near, other = bundles(site)[-2:]
    assert near == {"CPU": site.camera_cpus, "network:pier": 0.001}
    assert other == {"CPU": site.camera_cpus}
    assert missing_resources(needed_resources(site), {"CPU": 8.0}) == {"network:pier": 0.001}


def test_a_process_for_which_no_node_is_large_enough_is_found_though_all_together_are() -> None:
    detector = {"cpus": 4.0, "replicas": 2}
    site = SiteConfig.model_validate(
        {"site": "pier", "detector": detector, "cameras": [{"name": "a", "url": "demo:gate"}]}
    )
    small = [{"CPU": 3.0, "memory": 1e9}] * 6
    assert missing_resources(needed_resources(site), {"CPU": 18.0}) == {}
    assert too_large(bundles(site), small) == {"CPU": 4.0}
    assert too_large(bundles(site), [*small, {"CPU": 4.0}]) == {}


def test_who_waits_in_vain_is_told_what_no_node_has_and_asks_for_nothing_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(reserved_resources, "request_resources", lambda bundles: asked.append(bundles))
    monkeypatch.setattr(reserved_resources.ray, "cluster_resources", lambda: {"CPU": 18.0})
    nodes = [{"Alive": True, "Resources": {"CPU": 3.0}}] * 6 + [{"Alive": False, "Resources": {"CPU": 64.0}}]
    monkeypatch.setattr(reserved_resources.ray, "nodes", lambda: nodes)
    cameras = [{"name": "a", "url": "demo:gate"}]
    site = SiteConfig.model_validate({"site": "pier", "detector": {"cpus": 4.0}, "cameras": cameras})
    with pytest.raises(ResourceError, match="no node of the cluster has CPU 4 for one process"):
        wait_for_resources(site, 0.0)
    assert asked == [bundles(site), []]
    wait_for_resources(site.model_copy(update={"detector": DetectorConfig(cpus=3.0)}), 0.0)
    assert len(asked) == 2, "nothing is lacking, and nobody is asked"
