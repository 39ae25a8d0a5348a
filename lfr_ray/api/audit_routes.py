"""The account of a site over HTTP: its record so far, and its ledger, verified and searched. Looking is recorded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from lfr_ray.api.alert_routes import Moment, account, moment_of
from lfr_ray.api.auth import LOOKING, NO_CONTENT, acting_officer, needs
from lfr_ray.api.http_schemas import BINARY, JPEG, FocusRequest
from lfr_ray.api.site_routes import site_of
from lfr_ray.api.site_state import Counts, CountsList, LedgerPage, LedgerVerdict, RecordSoFar, SitePlan
from lfr_ray.config import NAME_PATTERN
from lfr_ray.focus_config import CameraFocus
from lfr_ray.govern.face_counters import CameraCounters, counters_of
from lfr_ray.records import PEOPLE, Role

router = APIRouter(tags=["site"])

VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/x-msvideo")
READING: tuple[Role, ...] = ("supervisor", "auditor", "administrator")
"""Who reads the account of the site."""

CameraName = Annotated[str, Path(pattern=NAME_PATTERN)]
Text = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
Kind = Annotated[str, Query(max_length=40, pattern=r"^[a-z_]*$")]


@router.get(
    "/v1/cameras/{name}/preview",
    dependencies=needs(*LOOKING),
    response_class=Response,
    responses=JPEG,
)
async def preview(request: Request, name: CameraName) -> Response:
    """What a camera sees now as a JPEG, with every face hidden; made in its process while somebody asks, never kept."""
    return Response(await site_of(request).preview(name), media_type="image/jpeg")


@router.put("/v1/cameras/{name}/focus", dependencies=needs("supervisor"))
async def set_focus(request: Request, name: CameraName, body: FocusRequest) -> CameraFocus:
    """Set where a camera looks for faces, and from which size on. What was signed for another holds no more."""
    focus = CameraFocus(regions=body.regions, min_face_px=body.min_face_px)
    await site_of(request).set_focus(name, focus, by=acting_officer(request, body.officer), reason=body.reason)
    return focus


@router.put(
    "/v1/cameras/{name}/recording",
    dependencies=needs("administrator", "importer"),
    **NO_CONTENT,
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(VIDEO_TYPES, BINARY)}},
)
async def take_recording(request: Request, name: CameraName) -> None:
    """Put a recording, the request's body, before a camera of a test; it is erased when that is closed."""
    await site_of(request).take_recording(name, await request.body(), by=acting_officer(request))


@router.get("/v1/plan", dependencies=needs(*PEOPLE))
async def plan(request: Request) -> SitePlan:
    """Where the cameras are: on the operator's plan, and by coordinates."""
    return await site_of(request).plan()


@router.get("/v1/plan/picture", dependencies=needs(*PEOPLE), response_class=Response, responses=JPEG)
async def plan_picture(request: Request) -> Response:
    """The operator's plan as a JPEG, without what its file says besides."""
    return Response(await site_of(request).plan_picture(), media_type="image/jpeg")


@router.get("/v1/counts", dependencies=needs(*PEOPLE))
async def counts(request: Request) -> CountsList:
    """What every camera counted since it was started: frames, faces, what was not good enough and why, latency."""
    snapshot = await site_of(request).snapshot()
    names = sorted({dict(labels)["camera"] for name, labels in snapshot.values if name == "frames_total"})
    return CountsList({name: _shown(counters_of(snapshot, name, 0.0, 0.0)) for name in names})


def _shown(counters: CameraCounters) -> Counts:
    same = ("frames", "faces_seen", "faces_compared", "rejected", "latency_ms")
    return Counts(**{name: getattr(counters, name) for name in same})


@router.get("/v1/record", dependencies=needs(*READING))
async def record(request: Request) -> RecordSoFar:
    """The deployment's account as it would be published now, and the same by the hour."""
    await account(request, "record so far")
    return await site_of(request).record()


@router.get("/v1/audit", dependencies=needs(*READING))
async def audit(request: Request) -> LedgerVerdict:
    """Whether the ledger holds. `lfr audit verify` besides looks for what was destroyed, which takes longer."""
    await account(request, "ledger verified")
    return await site_of(request).ledger_verdict()


@router.get("/v1/audit/records", dependencies=needs(*READING))
async def ledger(
    request: Request,
    kind: Kind = "",
    text: Text = "",
    since: Moment = "",
    before: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LedgerPage:
    """Records of the ledger, newest first."""
    await account(request, "ledger")
    return await site_of(request).ledger(
        kind=kind, text=text, since=moment_of("since", since) or 0.0, before=before, limit=limit
    )
