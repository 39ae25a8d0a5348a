"""The folder that a site names: what people should look at of it is told at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lfr_ray.config import SiteConfig
from lfr_ray.enrol.site_watchlist import import_watchlist
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Picture


def test_choices_and_rejections_are_told_once_whatever_the_number_of_models(
    tmp_path: Path, paint: Callable[..., Picture], listed: Callable[..., Path], detector: Any, embedder: Any
) -> None:
    beside = paint((3, 1), size=300, face=140, places=(205,))
    beside[:, :120] = paint((2, 1), size=300, face=60, places=(70,))[:, :120]
    folder = listed({"a": {"1.jpg": beside}, "b": {"1.jpg": b"no picture"}})
    site = SiteConfig(site="harbour", watchlist=str(folder))
    store = WatchlistStore(tmp_path / "data")
    rejected, without, chosen = import_watchlist(site, store, detector, [embedder, embedder], 1.8e9)
    assert rejected.startswith("not enrolled: b/1.jpg: ")
    assert without.startswith("not enrolled: b/: ")
    assert chosen.startswith("look at: a/1.jpg: 2 faces: took the larger, ")
    assert import_watchlist(SiteConfig(site="harbour"), store, detector, [embedder], 1.8e9) == []
