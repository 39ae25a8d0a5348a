"""The site over HTTP: cameras, list, deployments, the emergency stop, webhooks, health and metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from lfr_ray.alert.document import model_of, to_json
from lfr_ray.alert.webhook_store import WebhookList, WebhookState
from lfr_ray.api.alert_routes import Json, alerts_of
from lfr_ray.api.auth import OFFICER_PATTERN, acting_officer
from lfr_ray.api.exposition import exposition
from lfr_ray.api.ports import SiteView
from lfr_ray.api.schemas import StopRequest, WebhookRequest, answers
from lfr_ray.api.site_state import CameraList, DeploymentList, Health, Readiness, Switched, WatchlistState
from lfr_ray.errors import LfrError

router = APIRouter(tags=["site"])

WebhookId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="A webhook's id.")]
NOT_READY = 503


def site_of(request: Request) -> SiteView:
    """The site behind this application."""
    site: SiteView = request.app.state.site
    return site


@router.get("/v1/cameras", **answers(CameraList))
async def cameras(request: Request) -> Json:
    """Every camera: live or blind and since when, frames dropped, and why nothing is compared if so."""
    return to_json(CameraList(tuple(await site_of(request).cameras())))


@router.get("/v1/watchlist", **answers(WatchlistState))
async def watchlist(request: Request) -> Json:
    """The list in force; no pictures, no names."""
    return to_json(await site_of(request).watchlist())


@router.get("/v1/deployments", **answers(DeploymentList))
async def deployments(request: Request) -> Json:
    """Deployments, the emergency stop, and whether alerts are paused."""
    found = await site_of(request).deployments()
    return to_json(replace(found, paused=await alerts_of(request).paused_reason()))


@router.post("/v1/stop", **answers(Switched))
async def stop(request: Request, body: StopRequest) -> Json:
    """The emergency stop: when this answers, nothing is compared anywhere any more."""
    officer = acting_officer(request, body.officer)
    return to_json(await site_of(request).stop(officer=officer, reason=body.reason))


@router.post("/v1/resume", **answers(Switched))
async def resume(request: Request, body: StopRequest) -> Json:
    """Lift the emergency stop."""
    officer = acting_officer(request, body.officer)
    return to_json(await site_of(request).resume(officer=officer, reason=body.reason))


@router.get("/v1/webhooks", **answers(WebhookList))
async def webhooks(request: Request) -> Json:
    """Every webhook and how its deliveries go."""
    return to_json(WebhookList(tuple(await alerts_of(request).webhooks())))


@router.post("/v1/webhooks", status_code=201, **answers(WebhookState))
async def add_webhook(request: Request, body: WebhookRequest) -> Json:
    """Send alerts to an address, signed, at least once; the secret is in this answer and never again."""
    by = acting_officer(request, body.officer)
    return to_json(await alerts_of(request).add_webhook(body.url, tuple(body.kinds), by=by))


@router.delete("/v1/webhooks/{webhook_id}", status_code=204, response_class=Response)
async def remove_webhook(
    request: Request, webhook_id: WebhookId, officer: Annotated[str, Query(pattern=OFFICER_PATTERN)]
) -> Response:
    """Send nothing more."""
    await alerts_of(request).remove_webhook(webhook_id, by=acting_officer(request, officer))
    return Response(status_code=204)


@router.get("/healthz", **answers(Health))
async def healthz() -> Json:
    """This process answers."""
    return to_json(Health("ok"))


@router.get("/readyz", **answers(Readiness), responses={NOT_READY: {"model": model_of(Readiness)}})
async def readyz(request: Request, response: Response) -> Json:
    """Every part is ready; 503 and the reasons when not."""
    try:
        parts = dict(await site_of(request).readiness())
    except LfrError as error:
        parts = {"site": error.what}
    try:
        await alerts_of(request).newest_event_id()
        parts["desk"] = ""
    except LfrError as error:
        parts["desk"] = error.what
    ready = not any(parts.values())
    response.status_code = 200 if ready else NOT_READY
    return to_json(Readiness(ready, parts))


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Numbers of all processes for Prometheus."""
    return Response(exposition(await site_of(request).snapshot()), headers={"Content-Type": CONTENT_TYPE_LATEST})
