"""The HTTP application, built from plain objects.

request -> AnswerMiddleware (headers, faults) -> AccessMiddleware (size, host, token) -> routes -> alerts | site
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from lfr_ray import __version__
from lfr_ray.alert.feed import Feed, FeedRules
from lfr_ray.api import alert_routes, site_routes
from lfr_ray.api.auth import Access
from lfr_ray.api.description import describe
from lfr_ray.api.middleware import AccessMiddleware, AnswerMiddleware
from lfr_ray.api.pages import page_router, read_pages
from lfr_ray.api.ports import AlertsPort, SiteView
from lfr_ray.api.problems import MEDIA_TYPE, install
from lfr_ray.api.schemas import Problem

DESCRIPTION = (
    "Live facial recognition: possible matches for people to decide on. "
    "Nothing downstream of an alert happens by itself. Errors are RFC 9457 problem documents."
)
_SCHEMA = {"$ref": "#/components/schemas/Problem"}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, text in (
        (400, "Not readable"),
        (401, "No valid token"),
        (403, "Refused"),
        (404, "Does not exist"),
        (409, "Clashes with what is recorded"),
        (413, "Body too large"),
        (422, "Not valid"),
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
    demo_officer: str = "",
    feed: FeedRules | None = None,
) -> FastAPI:
    """The whole of ``/v1``, health, metrics and the console.

    Args:
        alerts: The alerts and their webhooks.
        site: What the site shows of itself.
        access: Who may come in; without it (or without tokens) only requests to this machine's own names.
        console: Serve the console at /.
        demo_officer: As whom the console signs everybody in without asking; empty: officers sign in.
        feed: How the event stream behaves.
    """
    access = access or Access({})
    app = FastAPI(
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
    app.state.feed = Feed(alerts, feed)
    install(app)
    app.include_router(alert_routes.router)
    app.include_router(site_routes.router)
    if console:
        app.include_router(page_router(read_pages(demo_officer)))
    describe(app, tokens=access.needed)
    return app
