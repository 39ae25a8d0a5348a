"""What a site reserves, and whether the cluster has it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import ray
from ray.autoscaler.sdk import request_resources

from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.errors import ResourceError


def network_of(camera: CameraConfig) -> dict[str, float]:
    """What a camera reserves of the nodes on its network: so little that there is room for any number."""
    return {f"network:{camera.network}": 0.001} if camera.network else {}


def needed_resources(site: SiteConfig) -> dict[str, float]:
    """What the configuration reserves at the start: so many replicas as ``replicas`` says, and every camera.

    Serve's own part of the file is not seen here, so its ``min_replicas`` is what ``replicas`` says.
    """
    models = [model for model in (site.detector, site.embedder, site.second_embedder) if model is not None]
    cpus = sum(model.cpus * model.replicas for model in models)
    gpus = sum(model.gpus * model.replicas for model in models)
    networks = {name: part for camera in site.cameras for name, part in network_of(camera).items()}
    return {"CPU": cpus + site.camera_cpus * len(site.cameras), "GPU": gpus} | networks


def bundles(site: SiteConfig) -> list[dict[str, float]]:
    """The same, by actor and replica, as an autoscaler must place them."""
    models = [model for model in (site.detector, site.embedder, site.second_embedder) if model is not None]
    wanted = [{"CPU": model.cpus, "GPU": model.gpus} for model in models for _ in range(model.replicas)]
    wanted += [{"CPU": site.camera_cpus} | network_of(camera) for camera in site.cameras]
    return [{name: amount for name, amount in one.items() if amount > 0} for one in wanted]


def missing_resources(needed: Mapping[str, float], present: Mapping[str, float]) -> dict[str, float]:
    """What is needed and not there, by resource.

    >>> missing_resources({"CPU": 2.0, "GPU": 1.0}, {"CPU": 8.0})
    {'GPU': 1.0}
    """
    lacking = {name: amount - present.get(name, 0.0) for name, amount in needed.items()}
    return {name: round(amount, 3) for name, amount in lacking.items() if amount > 1e-9}


def too_large(wanted: Sequence[Mapping[str, float]], nodes: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The first of these processes that no node is large enough for, empty as it may be otherwise; {}: there is none.

    >>> too_large([{"CPU": 1.0}, {"CPU": 4.0}], [{"CPU": 2.0}, {"CPU": 2.0}])
    {'CPU': 4.0}
    """
    return next((one for one in wanted if all(missing_resources(one, node) for node in nodes)), {})


def wait_for_resources(site: SiteConfig, wait_s: float | None = None) -> None:
    """Wait until the cluster has what the site needs; an autoscaler may still be adding nodes.

    Args:
        site: What is needed.
        wait_s: How long, instead of ``site.resources_wait_s``.

    Raises:
        ResourceError: Then something is still missing; it is named.
    """
    if not lacking(site):
        return
    needed, wanted = needed_resources(site), bundles(site)
    request_resources(bundles=wanted)  # an autoscaler adds nodes for what is asked, not for who waits
    try:
        _wait(needed, wanted, site.resources_wait_s if wait_s is None else wait_s)
    finally:
        request_resources(bundles=[])  # else it keeps them for ever; what runs keeps its node by itself


def lacking(site: SiteConfig) -> str:
    """What the cluster does not have of what a site reserves, as a sentence; empty: it has all."""
    return _lacking(needed_resources(site), bundles(site))


def _lacking(needed: Mapping[str, float], wanted: Sequence[Mapping[str, float]]) -> str:
    """What the cluster does not have, as a sentence; empty: it has all."""
    if missing := missing_resources(needed, ray.cluster_resources()):
        return f"the cluster lacks {_shown(missing)}"
    one = too_large(wanted, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    return f"no node of the cluster has {_shown(one)} for one process" if one else ""


def _shown(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in resources.items())


def _wait(needed: Mapping[str, float], wanted: Sequence[Mapping[str, float]], wait_s: float) -> None:
    until_s = time.monotonic() + wait_s
    while lacking := _lacking(needed, wanted):
        if time.monotonic() >= until_s:
            raise ResourceError(
                lacking,
                got=", ".join(f"{name} {ray.cluster_resources().get(name, 0.0):g}" for name in needed),
                allowed=", ".join(f"{name} {amount:g} or more" for name, amount in needed.items()),
                next_step="add nodes, or lower cpus, gpus and replicas in the site file",
            )
        time.sleep(0.5)
