"""What a site reserves."""

from __future__ import annotations

from lfr_ray.actors.reserved_resources import bundles, missing_resources, needed_resources, too_large
from lfr_ray.config import SiteConfig


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
