"""The watchlist folder that a site names, imported when the site starts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from lfr_ray.camera.demo_source import write_watchlist
from lfr_ray.config import DEMO_WATCHLIST, SiteConfig
from lfr_ray.enrol.import_folder import enrol_folder
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.cards import Detector, Embedder


def import_watchlist(
    site: SiteConfig, store: WatchlistStore, detector: Detector, embedders: Sequence[Embedder], now_s: float
) -> list[str]:
    """Import the site's watchlist folder, if it names one.

    Each picture gets a vector of every embedder. What people should look at comes back, each once: pictures that were
    not taken, and which face was taken of several.

    Raises:
        WatchlistError: The folder is missing, or nothing in it can be used.
    """
    if not site.watchlist:
        return []
    told: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        demo = site.watchlist == DEMO_WATCHLIST
        folder = write_watchlist(Path(scratch)) if demo else Path(site.watchlist)
        for embedder in embedders:
            report = enrol_folder(folder, store, detector, embedder, now=now_s, only_this_folder=True)
            told += [f"not enrolled: {one.file}: {one.reason}" for one in report.rejected]
            told += [f"look at: {one.file}: {one.note}" for one in report.notes]
    return list(dict.fromkeys(told))
