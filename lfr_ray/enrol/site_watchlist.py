"""The watchlist folder that a site names, imported when the site starts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from lfr_ray.camera.demo_source import write_watchlist
from lfr_ray.config import DEMO_WATCHLIST, SiteConfig
from lfr_ray.enrol.importer import enrol_folder
from lfr_ray.match.store import WatchlistStore
from lfr_ray.models.cards import Detector, Embedder


def import_watchlist(
    site: SiteConfig, store: WatchlistStore, detector: Detector, embedders: Sequence[Embedder], now_s: float
) -> None:
    """Import the site's watchlist folder, if it names one.

    Args:
        site: The site.
        store: The site's watchlist.
        detector: Finds the faces.
        embedders: The site's embedders; each picture gets a vector of every one.
        now_s: Wall time.

    Raises:
        WatchlistError: The folder is missing, or nothing in it can be used.
    """
    if not site.watchlist:
        return
    with tempfile.TemporaryDirectory() as scratch:
        demo = site.watchlist == DEMO_WATCHLIST
        folder = write_watchlist(Path(scratch)) if demo else Path(site.watchlist)
        for embedder in embedders:
            enrol_folder(folder, store, detector, embedder, now=now_s, only_this_folder=True)
