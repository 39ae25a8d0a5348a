"""HTTP as a Serve deployment: the routes of ``api/`` with actors behind them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from ray import serve

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import FleetCalls
from lfr_ray.actors.cluster_checks import check_http
from lfr_ray.actors.remote_alerts import RemoteAlerts
from lfr_ray.actors.remote_site import RemoteSite
from lfr_ray.api.auth import Access
from lfr_ray.api.http_application import build_api
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.signing_keys import PublicKey
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.people.oidc import Issuer
from lfr_ray.people.tokens_and_sessions import People


class Ingress:
    """Hands requests on. It adds to :func:`~lfr_ray.api.http_application.build_api` where the parts of the site are."""

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
        )


def access_of(site: SiteConfig) -> Access:
    """Who may come in: those whom the site's tokens or its issuer prove; in a test its built-in officer."""
    api, folder = site.api, DataDir(site.data_dir)

    def trusted() -> Iterable[PublicKey]:
        with suppress(LfrError):  # a test has no root of trust
            return trusted_keys(folder).values()
        return ()

    return Access(
        People(folder),
        issuer=Issuer(api.oidc) if api.oidc else None,
        demo_officer=api.demo_officer,
        public_url=api.public_url,
        trusted=trusted,
        push=site.outputs.push.services if site.outputs.push else (),
    )
