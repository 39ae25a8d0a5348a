"""The site over HTTP: cameras, list, deployments, the emergency stop, webhooks, health and metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from lfr_ray.api.alert_routes import desk_of
from lfr_ray.api.auth import OFFICER_PATTERN, acting_officer
from lfr_ray.api.exposition import exposition
from lfr_ray.api.ports import SiteView
from lfr_ray.api.schemas import (
    CamerasDocument,
    DeploymentsDocument,
    ReadyDocument,
    StopRequest,
    WatchlistDocument,
    WebhookCreated,
    WebhookRequest,
    WebhooksDocument,
)
from lfr_ray.errors import LfrError

router = APIRouter(tags=["site"])

WebhookId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="A webhook's id.")]
NOT_READY = 503


def site_of(request: Request) -> SiteView:
    """The site behind this application."""
    site: SiteView = request.app.state.site
    return site


@router.get("/v1/cameras", response_model=CamerasDocument)
async def cameras(request: Request) -> Any:
    """Every camera: live or blind and since when, frames dropped, and why nothing is compared if so."""
    return {"cameras": await site_of(request).cameras()}


@router.get("/v1/watchlist", response_model=WatchlistDocument)
async def watchlist(request: Request) -> Any:
    """The list in force; no pictures, no names."""
    return await site_of(request).watchlist()


@router.get("/v1/deployments", response_model=DeploymentsDocument)
async def deployments(request: Request) -> Any:
    """Deployments, the emergency stop, and whether the desk is paused."""
    document = dict(await site_of(request).deployments())
    document["paused"] = await desk_of(request).paused_reason()
    return document


@router.post("/v1/stop")
async def stop(request: Request, body: StopRequest) -> dict[str, Any]:
    """The emergency stop: when this answers, nothing is compared anywhere any more."""
    return await site_of(request).stop(officer=acting_officer(request, body.officer), reason=body.reason)


@router.post("/v1/resume")
async def resume(request: Request, body: StopRequest) -> dict[str, Any]:
    """Lift the emergency stop."""
    return await site_of(request).resume(officer=acting_officer(request, body.officer), reason=body.reason)


@router.get("/v1/webhooks", response_model=WebhooksDocument)
async def webhooks(request: Request) -> Any:
    """Every webhook and how its deliveries go."""
    return {"webhooks": await desk_of(request).webhooks()}


@router.post("/v1/webhooks", status_code=201, response_model=WebhookCreated)
async def add_webhook(request: Request, body: WebhookRequest) -> Any:
    """Send alerts to an address, signed, at least once; the secret is in this answer and never again."""
    by = acting_officer(request, body.officer)
    return await desk_of(request).add_webhook(body.url, tuple(body.kinds), by=by)


@router.delete("/v1/webhooks/{webhook_id}", status_code=204, response_class=Response)
async def remove_webhook(
    request: Request, webhook_id: WebhookId, officer: Annotated[str, Query(pattern=OFFICER_PATTERN)]
) -> Response:
    """Send nothing more."""
    await desk_of(request).remove_webhook(webhook_id, by=acting_officer(request, officer))
    return Response(status_code=204)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=ReadyDocument, responses={NOT_READY: {"model": ReadyDocument}})
async def readyz(request: Request) -> Any:
    """Every part is ready; 503 and the reasons when not."""
    try:
        parts = dict(await site_of(request).readiness())
    except LfrError as error:
        parts = {"site": error.what}
    try:
        await desk_of(request).newest_event_id()
        parts["desk"] = ""
    except LfrError as error:
        parts["desk"] = error.what
    ready = not any(parts.values())
    return JSONResponse({"ready": ready, "parts": parts}, status_code=200 if ready else NOT_READY)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Numbers of all processes for Prometheus."""
    return Response(exposition(await site_of(request).snapshot()), headers={"Content-Type": CONTENT_TYPE_LATEST})
