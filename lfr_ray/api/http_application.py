"""The HTTP application, built from plain objects.

request -> AnswerMiddleware (headers, faults) -> AccessMiddleware (size, host, token) -> routes -> alerts | site
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from lfr_ray import __version__
from lfr_ray.alert.event_stream import Feed, FeedRules
from lfr_ray.api import (
    alert_routes,
    audit_routes,
    comparison_routes,
    deployment_routes,
    people_routes,
    session_routes,
    site_routes,
    watchlist_routes,
)
from lfr_ray.api.alert_and_site_ports import AlertsPort, SiteView
from lfr_ray.api.auth import Access, roles_of
from lfr_ray.api.console_files import page_router, read_pages
from lfr_ray.api.http_schemas import Problem
from lfr_ray.api.middleware import AccessMiddleware, AnswerMiddleware
from lfr_ray.api.openapi import DescribedApi
from lfr_ray.api.problem_documents import MEDIA_TYPE, install

ROUTERS = (
    alert_routes.router,
    site_routes.router,
    session_routes.router,
    comparison_routes.router,
    audit_routes.router,
    watchlist_routes.router,
    deployment_routes.router,
    people_routes.router,
)
ROLES = roles_of(ROUTERS)
"""Of each method and address: who may use it. A route that does not say so stops the program here."""

DESCRIPTION = (
    "Live facial recognition: possible matches for people to decide on. "
    "Nothing downstream of an alert happens by itself. Errors are RFC 9457 problem documents."
)
_SCHEMA = {"$ref": "#/components/schemas/Problem"}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, text in (
        (400, "Not readable"),
        (401, "Nobody known"),
        (403, "Refused"),
        (404, "Does not exist"),
        (409, "Clashes with what is recorded"),
        (413, "Body too large"),
        (422, "Not valid"),
        (429, "Too many requests of one person"),
        (500, "The program failed"),
        (503, "Storage or cluster not available; send it again"),
    )
}


def build_api(
    alerts: AlertsPort,
    site: SiteView,
    *,
    access: Access | None = None,
    console: bool = True,
    feed: FeedRules | None = None,
) -> FastAPI:
    """The whole of ``/v1``, health, metrics and, at /, the console. Without ``access`` nobody may come in."""
    access = access or Access()
    app = DescribedApi(
        tokens=not access.demo_officer,
        title="lfr_ray",
        version=__version__,
        description=DESCRIPTION,
        # The interactive pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
        middleware=[Middleware(AnswerMiddleware), Middleware(AccessMiddleware, access=access)],
    )
    app.state.alerts = alerts
    app.state.site = site
    app.state.access = access
    app.state.feed = Feed(alerts, feed)
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    if console:
        app.include_router(page_router(read_pages()))
    return app
