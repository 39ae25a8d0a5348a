"""Alerts over HTTP: list, look, decide, record what came of it, follow live."""

from __future__ import annotations

import asyncio
import re
from dataclasses import fields
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from lfr_ray.alert.alert_queries import MAX_PAGE, AlertQuery
from lfr_ray.alert.event_stream import MEDIA_TYPE, Feed
from lfr_ray.api.alert_and_site_ports import AlertsPort
from lfr_ray.api.auth import (
    DECIDING,
    LOOKING,
    OFFICER_PATTERN,
    acting_officer,
    allow,
    looking_person,
    looking_reason,
    needs,
    reader_of,
)
from lfr_ray.api.http_schemas import JPEG, ClaimRequest, ComparisonRequest, DecisionRequest, HoldRequest, OutcomeRequest
from lfr_ray.api.openapi import known_parameters
from lfr_ray.clock import parse_utc
from lfr_ray.errors import InputError
from lfr_ray.records import Alert, AlertPage, CaseRecord, Details, FeedEvent, ImageKind

router = APIRouter(prefix="/v1/alerts", tags=["alerts"], dependencies=[Depends(known_parameters)])

AlertId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="An alert's id.")]
Word = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.@-]*$")]
A_MOMENT = {"anyOf": [{"format": "date-time"}, {"format": "date"}, {"maxLength": 0}]}
Moment = Annotated[
    str,
    Query(
        max_length=40,
        description="ISO 8601; a date alone is its first moment in UTC.",
        json_schema_extra={**A_MOMENT},
    ),
]
RequestKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[\x21-\x7e]*$",
        description="A repeated request with the same key records nothing more.",
    ),
]
OUTCOME_DETAILS = {one.name for one in fields(Details)} - {"comparison"}


SLOW_S = 20.0
"""A reader that takes nothing for so long, while something waits for it, is cut. It resumes where it was."""


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = MEDIA_TYPE

    async def stream_response(self, send: Send) -> None:
        """As Starlette does, but not for ever."""

        async def send_soon(message: Message) -> None:
            await asyncio.wait_for(send(message), SLOW_S)

        try:
            await super().stream_response(send_soon)
        except asyncio.TimeoutError:
            return
        finally:
            await self.body_iterator.aclose()  # type: ignore[attr-defined]  # an async generator


def alerts_of(request: Request) -> AlertsPort:
    """The alerts behind this application."""
    alerts: AlertsPort = request.app.state.alerts
    return alerts


@router.get("", dependencies=needs(*LOOKING, "events"))
async def list_alerts(
    request: Request,
    camera: Word = "",
    entry_id: Word = "",
    category: Word = "",
    status: Literal["", "new", "decided"] = "",
    deployment: Word = "",
    since: Moment = "",
    until: Moment = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str, Query(max_length=80, description="next_cursor of the page before.")] = "",
    order: Literal["newest", "oldest"] = "newest",
) -> AlertPage:
    """Alerts, newest first, filtered, page by page."""
    query = AlertQuery(
        camera=camera,
        entry_id=entry_id,
        category=category,
        status=status,
        deployment=deployment,
        since=moment_of("since", since),
        until=moment_of("until", until),
        limit=limit,
        cursor=cursor,
        order=order,
        reader=reader_of(request),
    )
    await account(request, "list of alerts")
    return await alerts_of(request).list(query)


@router.get(
    "/stream", dependencies=needs(*LOOKING, "events"), response_class=EventStream, responses={200: {"model": FeedEvent}}
)
async def follow(
    request: Request,
    last_event_id: Annotated[str | None, Header(description="Resume after this event.")] = None,
) -> EventStream:
    """Everything that happens from now on, or after Last-Event-ID, as server-sent events.

    Each event's data is a JSON document of the schema `FeedEvent`: what changed. The alert as it stands now is at
    `/v1/alerts/{alert_id}`.
    """
    feed: Feed = request.app.state.feed
    events = await feed.open(last_event_id)
    # no-transform and X-Accel-Buffering: proxies must neither compress nor collect a stream.
    headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    return EventStream(events, headers=headers)


@router.get("/{alert_id}", dependencies=needs(*LOOKING, "events"))
async def read_alert(request: Request, alert_id: AlertId) -> Alert:
    """One alert."""
    await account(request, "alert", alert_id)
    return await alerts_of(request).get(alert_id, reader_of(request))


@router.get(
    "/{alert_id}/images/{kind}",
    dependencies=needs(*LOOKING),
    response_class=Response,
    responses=JPEG,
)
async def read_image(request: Request, alert_id: AlertId, kind: ImageKind) -> Response:
    """The face that was seen, the enrolled picture, the scene with everyone else made unrecognisable, other views."""
    await account(request, f"picture {kind}", alert_id)
    jpeg = await alerts_of(request).image(alert_id, kind)
    return Response(jpeg, media_type="image/jpeg", headers={"Content-Disposition": "inline"})


@router.post("/{alert_id}/claim", dependencies=needs(*DECIDING))
async def claim(request: Request, alert_id: AlertId, body: ClaimRequest, idempotency_key: RequestKey = "") -> Alert:
    """Take an alert, or keep it longer: others see it, and nobody is hindered from deciding."""
    if body.take_over:
        allow(request, "supervisor")
    value = "taken_over" if body.take_over else "taken"
    draft = CaseRecord("claim", acting_officer(request, body.officer), value)
    return await alerts_of(request).record(alert_id, draft, idempotency_key)


@router.delete("/{alert_id}/claim", dependencies=needs(*DECIDING))
async def release_claim(
    request: Request,
    alert_id: AlertId,
    officer: Annotated[str | None, Query(pattern=OFFICER_PATTERN)] = None,
    idempotency_key: RequestKey = "",
) -> Alert:
    """Give an alert back that one has taken."""
    draft = CaseRecord("claim", acting_officer(request, officer), "released")
    return await alerts_of(request).record(alert_id, draft, idempotency_key)


@router.post("/{alert_id}/comparison", dependencies=needs(*DECIDING))
async def compare(
    request: Request, alert_id: AlertId, body: ComparisonRequest, idempotency_key: RequestKey = ""
) -> Alert:
    """Record what an officer found by eye, feature by feature; the answer has what the machine measured."""
    details = Details(comparison={str(one): found for one, found in body.comparison.items()})
    draft = CaseRecord("comparison", acting_officer(request, body.officer), "", details=details)
    return await alerts_of(request).record(alert_id, draft, idempotency_key)


@router.post("/{alert_id}/decision", dependencies=needs(*DECIDING))
async def decide(request: Request, alert_id: AlertId, body: DecisionRequest, idempotency_key: RequestKey = "") -> Alert:
    """Record an officer's verdict; a second one under the two-person rule; or a correction."""
    compared = None if body.comparison is None else {str(one): found for one, found in body.comparison.items()}
    draft = _draft(request, "decision", body.decision, body, Details(comparison=compared))
    return await alerts_of(request).record(alert_id, draft, idempotency_key)


@router.post("/{alert_id}/outcome", dependencies=needs(*DECIDING))
async def add_outcome(
    request: Request, alert_id: AlertId, body: OutcomeRequest, idempotency_key: RequestKey = ""
) -> Alert:
    """Record what came of a decided alert, or correct it."""
    details = Details(**body.model_dump(include=OUTCOME_DETAILS))
    draft = _draft(request, "outcome", body.outcome, body, details)
    return await alerts_of(request).record(alert_id, draft, idempotency_key)


@router.post("/{alert_id}/hold", dependencies=needs(*DECIDING))
async def hold(request: Request, alert_id: AlertId, body: HoldRequest) -> Alert:
    """Keep an alert as evidence beyond its retention time, with a reason."""
    by = acting_officer(request, body.officer)
    return await alerts_of(request).hold(alert_id, by=by, reason=body.reason)


@router.delete("/{alert_id}/hold", dependencies=needs(*DECIDING))
async def release(
    request: Request, alert_id: AlertId, officer: Annotated[str | None, Query(pattern=OFFICER_PATTERN)] = None
) -> Alert:
    """Let a held alert go; it is destroyed when its time is over."""
    return await alerts_of(request).release(alert_id, by=acting_officer(request, officer))


def _draft(
    request: Request, kind: str, value: str, body: DecisionRequest | OutcomeRequest, details: Details
) -> CaseRecord:
    officer = acting_officer(request, body.officer)
    return CaseRecord(kind, officer, value, body.note, corrects=body.corrects or 0, details=details)


async def account(request: Request, what: str, alert_id: str = "") -> None:
    """Account for someone looking, before it is shown."""
    await alerts_of(request).consulted(
        who=looking_person(request), what=what, alert_id=alert_id, reason=looking_reason(request)
    )


def moment_of(name: str, text: str) -> float | None:
    """The wall time that a parameter names; None where it is empty."""
    if not text:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        return parse_utc(re.sub(r"(?<=T)(\S+) (?=\d\d:?\d\d$)", r"\1+", text))
    except (ValueError, OverflowError):
        raise InputError(
            f"{name} is no date and time",
            got=text,
            allowed="ISO 8601, for example 2026-08-21 or 2026-08-21T14:30:00Z",
        ) from None
