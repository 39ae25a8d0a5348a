"""Plain classes become deployments and detached actors here, and nowhere else."""

from __future__ import annotations

from typing import Any

import ray
from ray import serve

from lfr_ray.actors.camera import CameraActor
from lfr_ray.actors.desk import DeskActor
from lfr_ray.actors.detector import DetectorReplica
from lfr_ray.actors.embedder import EmbedderReplica
from lfr_ray.actors.matcher import MatcherActor
from lfr_ray.actors.names import DETECTOR, EMBEDDER, NAMESPACE, SECOND_EMBEDDER, Names
from lfr_ray.config import AttackConfig, CameraConfig, DetectorConfig, EmbedderConfig, SiteConfig
from lfr_ray.models.catalogue import card
from lfr_ray.models.loading import check_licence
from lfr_ray.site_file import QUIET

HEAD = {"node:__internal_head__": 0.001}
"""The matcher and the desk live where data_dir is: on the head node."""

QUEUE_FACTOR = 4
"""A replica may hold so many batches' worth of requests; the default of Serve is 5 requests."""


def detector_deployment(site: SiteConfig) -> Any:
    """The detector, ready to be bound into an application."""
    return _model_deployment(DetectorReplica, DETECTOR, site, site.detector)


def embedder_deployment(site: SiteConfig) -> Any:
    """The embedder, ready to be bound into an application."""
    for name in site.attack.models if site.attack.score_at is not None else ():
        check_licence(card(name), site.use)
    return _model_deployment(EmbedderReplica, EMBEDDER, site, site.embedder)


def second_embedder_deployment(site: SiteConfig) -> Any:
    """The second embedder, or None where an alert needs one model only."""
    if site.second_embedder is None:
        return None
    alone = {"embedder": site.second_embedder, "second_embedder": None, "attack": AttackConfig()}
    return _model_deployment(EmbedderReplica, SECOND_EMBEDDER, site.model_copy(update=alone), site.second_embedder)


def _model_deployment(kind: type, name: str, site: SiteConfig, config: DetectorConfig | EmbedderConfig) -> Any:
    check_licence(card(config.model), site.use)  # said here, not by a replica that fails again and again
    return serve.deployment(
        kind,
        name=name,
        num_replicas=config.replicas,
        max_ongoing_requests=config.max_batch * QUEUE_FACTOR,
        max_constructor_retry_count=1,
        health_check_period_s=5,
        health_check_timeout_s=30,
        graceful_shutdown_timeout_s=5,
        ray_actor_options={"num_cpus": config.cpus, "num_gpus": config.gpus},
        logging_config=QUIET,  # one line for every frame is no log
    ).bind(site)


def matcher_actor(site: SiteConfig) -> Any:
    """The site's matcher: the living one, or a new one."""
    return _actor(MatcherActor, Names(site.site).matcher, HEAD).remote(site)


def desk_actor(site: SiteConfig) -> Any:
    """The site's alert desk: the living one, or a new one."""
    return _actor(DeskActor, Names(site.site).desk, HEAD, concurrency=256).remote(site)


def camera_actor(site: SiteConfig, camera: CameraConfig) -> Any:
    """A camera: the living one, or a new one."""
    options = _actor(CameraActor, Names(site.site).camera(camera.name), {}, cpus=site.camera_cpus, concurrency=64)
    return options.remote(site, camera)


def _actor(kind: type, name: str, resources: dict[str, float], *, cpus: float = 0.0, concurrency: int = 1) -> Any:
    """Options of a detached actor that is restarted for ever and never made twice."""
    return ray.remote(kind).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=0,
        num_cpus=cpus,
        resources=resources,
        max_concurrency=concurrency,
    )
