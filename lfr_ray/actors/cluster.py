"""The Ray cluster below a site: started or joined, and refused where it would break a promise."""

from __future__ import annotations

import logging
import math
import os
import time
import warnings
from collections.abc import Mapping
from typing import Any

import ray
from ray._private import worker

from lfr_ray.actors.names import NAMESPACE
from lfr_ray.config import SiteConfig
from lfr_ray.errors import RefusedError, ResourceError

SPILLING = "automatic_object_spilling_enabled"
OBJECT_STORE_BYTES = 1 << 30
"""For a cluster that we start ourselves: some thousand canvases, far more than are ever under way."""


def calm() -> None:
    """Keep Ray's own notes off the terminal: stdout belongs to results, stderr to what an operator can act on."""
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    # Ray prints the errors of its own processes on stdout, also those of an orderly end.
    worker.print_to_stdstream = _say_nothing


def _say_nothing(*_: Any, **__: Any) -> None:
    """In place of Ray's printing."""


def start_local(*, dashboard: bool = False) -> None:
    """Start Ray on this machine, with nothing that writes objects to disk.

    Args:
        dashboard: Also start the dashboard, which `serve status` and `serve deploy` talk to; it costs 1 GB.
    """
    with warnings.catch_warnings():
        # Ray's processes are forked and replaced at once; LanceDB warns of forks that go on.
        warnings.filterwarnings("ignore", message="lancedb fork support")
        ray.init(
            address="local",  # not whatever cluster happens to run on this machine
            namespace=NAMESPACE,
            include_dashboard=dashboard,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=OBJECT_STORE_BYTES,
            _system_config={SPILLING: False},
        )
    calm()


def join(address: str) -> None:
    """Connect to a cluster that is already running.

    Raises:
        ResourceError: Nobody answers there.
        RefusedError: It would spill objects to disk.
    """
    try:
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ResourceError(
            "the Ray cluster cannot be reached",
            got=f"{address}: {type(error).__name__}",
            next_step="start it with `ray start --head` (see cluster/README.md) or leave --address out",
        ) from None
    calm()
    check_spilling()


def check_spilling() -> None:
    """Refuse a cluster that writes objects to disk under memory pressure: frames are objects.

    Raises:
        RefusedError: Object spilling is on; it cannot be switched off while a cluster runs.
    """
    from ray._private.state import state

    config: Mapping[str, Any] = state.get_system_config()
    if config.get(SPILLING, True):
        raise RefusedError(
            "this Ray cluster spills objects to disk under memory pressure, and frames with faces are objects",
            got=f"{SPILLING}=true",
            allowed=f"{SPILLING}=false",
            next_step=f"restart it with `ray start --head --system-config='{{\"{SPILLING}\": false}}'`",
        )


def needed_resources(site: SiteConfig) -> dict[str, float]:
    """What the configuration reserves, at its smallest: one replica each, and every camera."""
    cpus = site.detector.cpus * site.detector.replicas + site.embedder.cpus * site.embedder.replicas
    gpus = site.detector.gpus * site.detector.replicas + site.embedder.gpus * site.embedder.replicas
    return {"CPU": cpus + site.camera_cpus * len(site.cameras), "GPU": gpus}


def missing_resources(needed: Mapping[str, float], present: Mapping[str, float]) -> dict[str, float]:
    """What is needed and not there, by resource.

    >>> missing_resources({"CPU": 2.0, "GPU": 1.0}, {"CPU": 8.0})
    {'GPU': 1.0}
    """
    lacking = {name: amount - present.get(name, 0.0) for name, amount in needed.items()}
    return {name: round(amount, 3) for name, amount in lacking.items() if amount > 1e-9}


def wait_for_resources(site: SiteConfig) -> None:
    """Wait until the cluster has what the site needs; an autoscaler may still be adding nodes.

    Raises:
        ResourceError: After ``site.resources_wait_s`` something is still missing; it is named.
    """
    needed = needed_resources(site)
    until_s = time.monotonic() + site.resources_wait_s
    while missing := missing_resources(needed, ray.cluster_resources()):
        if time.monotonic() >= until_s:
            raise ResourceError(
                f"the cluster lacks {', '.join(f'{name} {amount:g}' for name, amount in missing.items())}",
                got=", ".join(f"{name} {ray.cluster_resources().get(name, 0.0):g}" for name in needed),
                allowed=", ".join(f"{name} {amount:g} or more" for name, amount in needed.items()),
                next_step="add nodes, or lower cpus, gpus and replicas in the site file",
            )
        time.sleep(0.5)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else math.ceil(os.cpu_count() or 1)
