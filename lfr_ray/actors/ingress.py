"""HTTP as a Serve deployment: the routes of ``api/`` with actors behind them."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from ray import serve

from lfr_ray.actors.cluster import check_http
from lfr_ray.actors.protocols import FleetCalls
from lfr_ray.actors.remote_alerts import RemoteAlerts
from lfr_ray.actors.remote_site import RemoteSite
from lfr_ray.actors.rpc import Handle
from lfr_ray.api.app import build_api
from lfr_ray.api.auth import Access
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError


class Ingress:
    """Hands requests on. It adds to :func:`~lfr_ray.api.app.build_api` where the parts of the site are."""

    def __init__(self, site: SiteConfig, fleet: Any) -> None:
        check_http(site)  # whoever builds the application before Serve runs is not told there
        self._site = site
        self._fleet: Handle[FleetCalls] = Handle(fleet)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Called by Serve once this replica is made."""
        return build_api(
            RemoteAlerts(self._site),
            RemoteSite(self._site, self._fleet, serve.get_replica_context().app_name),
            access=access_of(self._site),
            console=self._site.api.console,
            demo_officer=self._site.api.demo_officer,
        )


def access_of(site: SiteConfig) -> Access:
    """Who may come in.

    Raises:
        ConfigError: A token is asked for, and the variable that should hold it is empty.
    """
    name = site.api.token_env
    if not name:
        return Access({})
    text = os.environ.get(name, "")
    if not text:
        raise ConfigError(
            "api -> token_env names an environment variable that is empty",
            got=name,
            next_step="set it in the environment in which Ray is started, on every node",
        )
    return Access.from_text(text)
