"""A site's models, ready to run: in a replica, or all of them in one process."""

from __future__ import annotations

from typing import Any

from lfr_ray.config import EmbedderConfig, SiteConfig
from lfr_ray.detect.base import load_detector
from lfr_ray.embed.base import load_embedder
from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.models.catalogue import card
from lfr_ray.models.cores import streams_of
from lfr_ray.models.runtime import OPENVINO_DEVICES


def detector_of(site: SiteConfig) -> Detector:
    """The site's detector; see :func:`~lfr_ray.detect.base.load_detector` for what can go wrong."""
    config, streams = site.detector, streams_of(site.detector)
    return load_detector(
        card(config.model),
        device=site.device,
        weights=config.weights,
        min_score=config.min_score,
        threads=streams,
        streams=streams,
        declared_use=site.use,
    )


def embedder_of(site: SiteConfig, config: EmbedderConfig) -> Embedder:
    """One of the site's embedders; see :func:`~lfr_ray.embed.base.load_embedder` for what can go wrong."""
    streams = streams_of(config)
    return load_embedder(
        card(config.model),
        device=site.device,
        weights=config.weights,
        mirror=config.mirror,
        threads=streams,
        streams=streams,
        declared_use=site.use,
    )


def runs_in_streams(model: Any) -> bool:
    """The model works on several pictures at the same time, and gains nothing by batches: it runs on no GPU of torch.

    Args:
        model: A loaded detector or embedder.
    """
    return model.network.device.kind in OPENVINO_DEVICES
