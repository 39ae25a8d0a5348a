"""The site over HTTP: cameras, list, deployments, the emergency stop, webhooks, health and metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from lfr_ray import __version__
from lfr_ray.alert.dead_letters import DeadLetterList
from lfr_ray.alert.event_stream import Feed
from lfr_ray.alert.webhook_store import WebhookList, WebhookState
from lfr_ray.api.alert_and_site_ports import SiteView
from lfr_ray.api.alert_routes import alerts_of
from lfr_ray.api.auth import NO_CONTENT, OFFICER_PATTERN, acting_officer, needs
from lfr_ray.api.http_schemas import LARGEST_ID, StopRequest, WebhookRequest
from lfr_ray.api.openapi import known_parameters
from lfr_ray.api.prometheus_text import exposition
from lfr_ray.api.site_state import CameraList, DeploymentList, Health, Readiness, Switched, WatchlistState
from lfr_ray.errors import LfrError
from lfr_ray.metrics import merged
from lfr_ray.records import PEOPLE

router = APIRouter(tags=["site"], dependencies=[Depends(known_parameters)])

WebhookId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="A webhook's id.")]
EventId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="An event's id.")]
OfficerId = Annotated[str | None, Query(pattern=OFFICER_PATTERN, description="Who asks for it, if said.")]
ADMINISTRATOR = needs("administrator")
NOT_READY = 503


def site_of(request: Request) -> SiteView:
    """The site behind this application."""
    site: SiteView = request.app.state.site
    return site


@router.get("/v1/cameras", dependencies=needs(*PEOPLE))
async def cameras(request: Request) -> CameraList:
    """Every camera: looked at or blind and since when, frames dropped, and why nothing is compared if so."""
    return CameraList(tuple(await site_of(request).cameras()))


@router.get("/v1/watchlist", dependencies=needs(*PEOPLE))
async def watchlist(request: Request) -> WatchlistState:
    """The list in force; no pictures, no names."""
    return await site_of(request).watchlist()


@router.get("/v1/deployments", dependencies=needs(*PEOPLE))
async def deployments(request: Request) -> DeploymentList:
    """Deployments, the emergency stop, and whether alerts are paused."""
    found = await site_of(request).deployments()
    return replace(found, paused=await alerts_of(request).paused_reason())


@router.post("/v1/stop", dependencies=needs(*PEOPLE))
async def stop(request: Request, body: StopRequest) -> Switched:
    """The emergency stop: when this answers, nothing is compared anywhere any more."""
    officer = acting_officer(request, body.officer)
    return await site_of(request).stop(officer=officer, reason=body.reason)


@router.post("/v1/resume", dependencies=needs("supervisor"))
async def resume(request: Request, body: StopRequest) -> Switched:
    """Lift the emergency stop."""
    officer = acting_officer(request, body.officer)
    return await site_of(request).resume(officer=officer, reason=body.reason)


@router.get("/v1/webhooks", dependencies=needs("administrator", "auditor"))
async def webhooks(request: Request) -> WebhookList:
    """Every webhook and how its deliveries go."""
    return WebhookList(tuple(await alerts_of(request).webhooks()))


@router.post("/v1/webhooks", dependencies=ADMINISTRATOR, status_code=201)
async def add_webhook(request: Request, body: WebhookRequest) -> WebhookState:
    """Send alerts to an address, signed, at least once; the secret is in this answer and never again."""
    by = acting_officer(request, body.officer)
    return await alerts_of(request).add_webhook(body.url, tuple(body.kinds), by=by, format=body.format)


@router.delete("/v1/webhooks/{webhook_id}", dependencies=ADMINISTRATOR, **NO_CONTENT)
async def remove_webhook(request: Request, webhook_id: WebhookId, officer: OfficerId = None) -> None:
    """Send nothing more."""
    await alerts_of(request).remove_webhook(webhook_id, by=acting_officer(request, officer))


@router.post("/v1/webhooks/{webhook_id}/test", dependencies=ADMINISTRATOR, status_code=202, response_class=Response)
async def try_webhook(request: Request, webhook_id: WebhookId, officer: OfficerId = None) -> None:
    """Send this webhook a test event, in its turn; how it went is in the list of webhooks."""
    await alerts_of(request).test_webhook(webhook_id, by=acting_officer(request, officer))


@router.get("/v1/webhooks/{webhook_id}/dead-letters", dependencies=needs("administrator", "auditor"))
async def dead_letters(request: Request, webhook_id: WebhookId) -> DeadLetterList:
    """Events that the receiver refused, oldest first."""
    return await alerts_of(request).dead_letters(webhook_id)


@router.post(
    "/v1/webhooks/{webhook_id}/dead-letters/{event_id}",
    dependencies=ADMINISTRATOR,
    status_code=202,
    response_class=Response,
)
async def send_again(request: Request, webhook_id: WebhookId, event_id: EventId, officer: OfficerId = None) -> None:
    """Send one of them again, with the alert as it stands now."""
    acting_officer(request, officer)
    await alerts_of(request).send_again(webhook_id, event_id)


@router.delete("/v1/webhooks/{webhook_id}/dead-letters/{event_id}", dependencies=ADMINISTRATOR, **NO_CONTENT)
async def drop_letter(request: Request, webhook_id: WebhookId, event_id: EventId, officer: OfficerId = None) -> None:
    """Drop one of them: the receiver is never told of it."""
    await alerts_of(request).drop_letter(webhook_id, event_id, by=acting_officer(request, officer))


@router.get("/healthz")
async def healthz() -> Health:
    """This process answers."""
    return Health("ok")


@router.get("/readyz", responses={NOT_READY: {"model": Readiness}})
async def readyz(request: Request, response: Response) -> Readiness:
    """Every part is ready; 503 and the reasons when not."""
    try:
        parts = dict(await site_of(request).readiness())
    except LfrError as error:
        parts = {"site": error.what}
    ready = not any(parts.values())
    response.status_code = 200 if ready else NOT_READY
    return Readiness(ready, parts)


@router.get(
    "/metrics",
    dependencies=needs("metrics", "administrator"),
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    """Numbers of all processes for Prometheus."""
    feed: Feed = request.app.state.feed
    feed.meter.gauge("build_info", 1, version=__version__)
    counted = merged([await site_of(request).snapshot(), feed.meter.snapshot()])
    return Response(exposition(counted), headers={"Content-Type": CONTENT_TYPE_LATEST})
