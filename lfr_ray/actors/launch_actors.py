"""Plain classes become deployments and detached actors here, and nowhere else."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import ray
from ray import serve
from ray.serve.config import RequestRouterConfig
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import DETECTOR, EMBEDDER, HEALTH, SECOND_EMBEDDER, Names
from lfr_ray.actors.actor_protocols import DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls, ModelCalls
from lfr_ray.actors.caller_secret import Guarded, capability_of, guarded, sha256_of
from lfr_ray.actors.camera_actor import CameraActor
from lfr_ray.actors.desk_actor import DeskActor
from lfr_ray.actors.detector_replica import DetectorReplica
from lfr_ray.actors.embedder_replica import EmbedderReplica
from lfr_ray.actors.footage_protocol import FootageCalls
from lfr_ray.actors.footage_worker import FootageWorker
from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.actors.matcher_replica import MatcherReplica
from lfr_ray.actors.node_checks import HEAD
from lfr_ray.actors.own_node_first import OwnNodeFirst
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, ReplicaCalls
from lfr_ray.actors.reserved_resources import network_of
from lfr_ray.actors.start_or_join_ray import NAMESPACE
from lfr_ray.config import CameraConfig, DetectorConfig, EmbedderConfig, ModelConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cores_and_threads import streams_of
from lfr_ray.models.load_from_card import check_licence
from lfr_ray.site_file import QUIET

ON_HEAD = {HEAD: 0.001}
"""The matcher and the desk live where data_dir is: on the head node."""

DETECTOR_CLASS: type[DetectorCalls] = DetectorReplica
EMBEDDER_CLASS: type[EmbedderCalls] = EmbedderReplica
"""Named with their protocols, so that mypy compares them."""

ActorT = TypeVar("ActorT", bound=Guarded)

QUEUED_BATCHES, QUEUED_A_STREAM = 4, 8
"""So much a replica holds, per batch or stream. Serve's own 5 starve it: who is refused waits before asking again."""


def detector_deployment(site: SiteConfig) -> Any:
    """The detector, ready to be bound into an application."""
    return _deployment(DETECTOR_CLASS, DETECTOR, site, site.detector)


def embedder_deployment(site: SiteConfig) -> Any:
    """The embedder, ready to be bound into an application."""
    return _deployment(EMBEDDER_CLASS, EMBEDDER, site, site.embedder)


def second_embedder_deployment(site: SiteConfig) -> Any:
    """The second embedder, or None where an alert needs one model only."""
    if site.second_embedder is None:
        return None
    second = {"embedder": site.second_embedder, "second_embedder": None}
    return _deployment(EMBEDDER_CLASS, SECOND_EMBEDDER, site.model_copy(update=second), site.second_embedder)


def _deployment(kind: type[ModelCalls], name: str, site: SiteConfig, config: DetectorConfig | EmbedderConfig) -> Any:
    check_licence(card(config.model), site.use)  # said here, not by a replica that fails again and again
    return serve.deployment(
        kind,
        name=name,
        num_replicas=config.replicas,
        max_ongoing_requests=max_ongoing_requests(site, config),
        request_router_config=RequestRouterConfig(request_router_class=OwnNodeFirst),
        max_constructor_retry_count=3,  # after the head's loss as well: then Serve gives up for ever
        health_check_period_s=2,
        health_check_timeout_s=30,
        graceful_shutdown_timeout_s=5,
        ray_actor_options={"num_cpus": config.cpus, "num_gpus": config.gpus},
        logging_config=QUIET,  # one line for every frame is no log
    ).bind(site)


def max_ongoing_requests(site: SiteConfig, config: ModelConfig) -> int:
    """Requests that a replica holds at a time: by batches on a GPU, otherwise by streams."""
    batched = config.gpus > 0 or site.device in ("cuda", "mps")
    return config.max_batch * QUEUED_BATCHES if batched else streams_of(config) * QUEUED_A_STREAM


def matcher_actor(site: SiteConfig) -> Handle[MatcherCalls]:
    """The site's matcher: the living one, or a new one."""
    for method in (MatcherActor.halt, MatcherActor.resume):  # in a thread of their own: a stop waits for no comparison
        ray.method(concurrency_group="stop")(method)
    return _actor(MatcherActor, (site,), Names(site.site).matcher, ON_HEAD)


def matcher_replica(site: SiteConfig, node: str, shown: str) -> Handle[ReplicaCalls]:
    """The matcher's replica on a node: the living one, or a new one; the node is called so for people."""
    name, there = Names(site.site).replica(node), NodeAffinitySchedulingStrategy(node, soft=False)
    return _actor(MatcherReplica, (site, shown), name, {}, concurrency=64, place=there)


def desk_actor(site: SiteConfig) -> Handle[DeskCalls]:
    """The site's alert desk: the living one, or a new one."""
    return _actor(DeskActor, (site,), Names(site.site).desk, ON_HEAD, concurrency=256)


def camera_actor(site: SiteConfig, camera: CameraConfig) -> Handle[CameraCalls]:
    """A camera: the living one, or a new one."""
    name = Names(site.site).camera(camera.name)
    return _actor(CameraActor, (site, camera), name, network_of(camera), cpus=site.camera_cpus, concurrency=64)


def footage_worker(site: SiteConfig, number: int, gpus: float) -> Handle[FootageCalls]:
    """A process that reads recordings of a run; of those without a share of a GPU each would take the first card."""
    name = Names(site.site).camera(str(number))
    return _actor(FootageWorker, (site,), name, {}, cpus=site.camera_cpus, gpus=gpus, concurrency=64)


def _actor(
    kind: type[ActorT],
    arguments: tuple[Any, ...],
    name: str,
    resources: dict[str, float],
    *,
    cpus: float = 0.0,
    gpus: float = 0.0,
    concurrency: int = 1,
    place: Any = "SPREAD",
) -> Handle[ActorT]:
    """A detached actor that is restarted for ever and never made twice; a node's loss takes few cameras with it."""
    capability = capability_of(DataDir(arguments[0].data_dir))
    lasting = {"lifetime": "detached", "get_if_exists": True, "max_restarts": -1, "max_task_retries": 0}
    options = _actor_class(kind).options(
        **lasting,
        name=name,
        namespace=NAMESPACE,
        num_cpus=cpus,
        num_gpus=gpus,
        resources=resources,
        scheduling_strategy=place,
        max_concurrency=concurrency,
    )
    return Handle(options.remote(sha256_of(capability), *arguments), capability)


@cache  # actors are looked for every second, and Ray adds to a class each time
def _actor_class(kind: type[Guarded]) -> Any:
    return ray.remote(concurrency_groups={HEALTH: 1, "stop": 1})(guarded(kind))
