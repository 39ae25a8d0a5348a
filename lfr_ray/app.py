"""A site as a Ray Serve application: `import_path: lfr_ray.app:build`."""

from __future__ import annotations

from typing import Any

from ray import serve
from ray.serve.exceptions import RayServeException

from lfr_ray.actors.actor_names import FLEET, INGRESS
from lfr_ray.actors.actor_protocols import FleetCalls
from lfr_ray.actors.cluster_checks import check_alone, check_http, check_log, check_network, check_spilling
from lfr_ray.actors.fleet_replica import FleetReplica
from lfr_ray.actors.http_ingress import Ingress, access_of
from lfr_ray.actors.launch_actors import ON_HEAD, detector_deployment, embedder_deployment, second_embedder_deployment
from lfr_ray.actors.node_checks import check_nodes
from lfr_ray.actors.reserved_resources import wait_for_resources
from lfr_ray.config import SiteConfig
from lfr_ray.errors import LfrError
from lfr_ray.models.card_catalogue import with_embedders
from lfr_ray.site_file import faults_of_cameras
from lfr_ray.strict_yaml import parse_section
from lfr_ray.tracing import Traces

FLEET_CLASS: type[FleetCalls] = FleetReplica
"""Named with its protocol, so that mypy compares them."""


def build(args: dict[str, Any]) -> serve.Application:
    """:func:`site_application` for Serve, which would try three times more, whatever the error but its own.

    Raises:
        RayServeException: What is wrong, in one sentence.
    """
    try:
        return site_application(args)
    except LfrError as error:
        raise RayServeException(f"{type(error).__name__}: {error}") from None


def site_application(args: dict[str, Any]) -> serve.Application:
    """Build a site's application from what stands under ``args`` in its YAML file.

    Nothing starts before everything has been checked: the fields, who may come in, that the cluster spills no objects
    to disk, and that it has the resources that the site reserves. What runs already goes on until then.

    Raises:
        ConfigError: A field is wrong; it is named. Or Serve would write passwords to its log, or answer other machines
            without a token. Or a node has another version of this software, or no file of a model. Or traces are asked
            for, and what they need is not installed.
        RefusedError: The cluster writes objects to disk under memory pressure.
        ConflictError: Another site runs on the cluster.
        ResourceError: The cluster lacks CPUs or GPUs; they are named.
    """
    faults = faults_of_cameras(args.get("cameras"))
    site = with_embedders(parse_section(SiteConfig, args, "applications -> args", faults))
    check_log(site)
    check_http(site)
    access_of(site)
    Traces(site.outputs.traces, site.site, "build")  # its packages are missed here, and not by a camera
    check_spilling()
    check_alone(site)
    check_network(site)
    wait_for_resources(site)
    check_network(site)  # nodes may have come meanwhile
    check_nodes(site)
    models = (detector_deployment(site), embedder_deployment(site), second_embedder_deployment(site))
    fleet = serve.deployment(
        FLEET_CLASS,
        name=FLEET,
        num_replicas=1,
        max_ongoing_requests=256,
        max_constructor_retry_count=1,
        graceful_shutdown_timeout_s=15,
        health_check_period_s=2,
        ray_actor_options={"num_cpus": 0, "resources": ON_HEAD},
    ).bind(site, *models)
    ingress = serve.deployment(
        serve.ingress()(Ingress),
        name=INGRESS,
        max_ongoing_requests=1024,
        graceful_shutdown_timeout_s=2,
        health_check_period_s=2,
        ray_actor_options={"num_cpus": 0, "resources": ON_HEAD},  # where the file of people is
    )
    return ingress.bind(site, fleet)
