"""A site from its file: Ray started or joined for it, and ended; the running site is in ``live_site.py``."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import ray

from lfr_ray.actors.ray_private import claimed
from lfr_ray.actors.start_or_join_ray import join, start_local
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import locked
from lfr_ray.errors import ConflictError
from lfr_ray.site_file import SiteFile, check_port

if TYPE_CHECKING:
    from lfr_ray.live_site import LiveSite

LOADED_BESIDE = ("lfr_ray.alert.open_database", "lfr_ray.api.http_application", "lfr_ray.pipeline.camera_run")
"""What the site is made of and does not know Ray: read while Ray starts, which is mostly waiting."""


@contextmanager
def live_site(file: SiteFile, address: str = "", tell: Callable[[str], None] = lambda _: None) -> Iterator[LiveSite]:
    """A site that runs for as long as the block.

    Args:
        file: The site.
        address: Of a Ray cluster, or empty: Ray is started on this machine and ended afterwards.
        tell: Hears every few seconds of a start what is not there yet, and when Ray's start is tried again.

    Raises:
        ConfigError: The site cannot be started as it is configured.
        ConflictError: It runs already, or another one on this cluster.
        ResourceError: The cluster does not answer, or the site is not ready in time.
        StoreError: Another version made the alerts' database.
    """
    claim = f"process {os.getpid()} on {socket.gethostname()} since {utc_text(time.time())}, {file.console_url}"
    with ExitStack() as held:
        if not address:
            held.enter_context(_only_one(file.site, claim))
            _check_database(file.site)
            check_port(file)
        held.callback(ray.shutdown)
        if address:
            join(address)
            from lfr_ray.actors.cluster_checks import check_alone

            check_alone(file.site)
            if other := claimed(f"site/{file.application}", claim):
                raise _runs_already(file.site, other)
        else:
            loading = threading.Thread(target=lambda: [import_module(one) for one in LOADED_BESIDE], daemon=True)
            loading.start()
            start_local(tell)
            loading.join()
        from lfr_ray.live_site import LiveSite

        yield held.enter_context(LiveSite(file, on_cluster=bool(address), tell=tell))


@contextmanager
def _only_one(site: SiteConfig, claim: str) -> Iterator[None]:
    """Two sites on one data folder would be two alert desks that raise the same alerts.

    Raises:
        ConflictError: Another command runs the site; which, and where.
    """
    path = DataDir(site.data_dir).running
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, wait=False) as taken:
        if not taken:
            raise _runs_already(site, path.read_text(encoding="utf-8"))
        path.write_text(claim, encoding="utf-8")
        yield


def _runs_already(site: SiteConfig, claim: str) -> ConflictError:
    return ConflictError(
        f"the site {site.site} runs already",
        got=claim,
        next_step="end it there first; on a cluster, `serve deploy FILE` changes a site while it runs",
    )


def _check_database(site: SiteConfig) -> None:
    """Before anything is started: that this version can read the alerts that are kept.

    Raises:
        StoreError: Another version made the database.
    """
    path = DataDir(site.data_dir).alert_database
    if path.exists() and not site.alert.database_url:
        from lfr_ray.alert.open_database import Database

        Database.at(path).close()
