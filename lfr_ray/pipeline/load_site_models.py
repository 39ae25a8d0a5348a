"""A site's models, ready to run: in a replica, or all of them in one process."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from lfr_ray.config import DetectorConfig, EmbedderConfig, SiteConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.models.cores_and_threads import streams_of
from lfr_ray.models.device_and_self_test import OPENVINO_DEVICES
from lfr_ray.models.load_from_card import Loading


def detector_of(site: SiteConfig) -> Detector:
    """The site's detector; see :func:`~lfr_ray.detect.detector_families.load_detector` for what can go wrong."""
    config = site.detector
    return load_detector(card(config.model), min_score=config.min_score, **_loading(site, config))


def embedder_of(site: SiteConfig, config: EmbedderConfig) -> Embedder:
    """One of the site's embedders; see :func:`~lfr_ray.embed.embedder_families.load_embedder` for what can go wrong."""
    return load_embedder(card(config.model), mirror=config.mirror, **_loading(site, config))


def _loading(site: SiteConfig, config: DetectorConfig | EmbedderConfig) -> Loading:
    streams = streams_of(config)
    return Loading(device=site.device, weights=config.weights, threads=streams, streams=streams, declared_use=site.use)


class LoadingModels:
    """A site's models, each loading in a thread: most of the time no other thread has to wait for that.

    ``canvases`` are widths and heights, px, of pictures that the detector is warmed up with.
    """

    def __init__(self, site: SiteConfig, canvases: Iterable[tuple[int, int]] = ()) -> None:
        seconds = [] if site.second_embedder is None else [site.second_embedder]
        self._threads = ThreadPoolExecutor(thread_name_prefix="load")
        self._detector = self._threads.submit(_warm_detector, site, canvases)
        self._embedders = [self._threads.submit(embedder_of, site, one) for one in (site.embedder, *seconds)]

    @property
    def detector(self) -> Detector:
        """The detector, as soon as it is loaded."""
        return self._detector.result()

    @property
    def embedders(self) -> list[Embedder]:
        """The embedder, or both, as soon as they are loaded."""
        return [one.result() for one in self._embedders]

    def end(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)


def _warm_detector(site: SiteConfig, canvases: Iterable[tuple[int, int]]) -> Detector:
    """The detector, which has compiled what the first pictures need."""
    detector = detector_of(site)
    for width_px, height_px in canvases:
        detector.detect(np.zeros((1, height_px, width_px, 3), np.uint8))
    return detector


def runs_in_streams(model: Any) -> bool:
    """A loaded model works on several pictures at once, and gains nothing by batches: it runs on no GPU of torch."""
    return model.network.device.kind in OPENVINO_DEVICES
