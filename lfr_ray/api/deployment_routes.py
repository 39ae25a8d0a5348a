"""The site's own deployment over HTTP: what an officer is to sign, opened by what they signed, and closed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from lfr_ray.api.auth import acting_officer, needs
from lfr_ray.api.http_schemas import WORDS, HoldRequest, Officer
from lfr_ray.api.openapi import known_parameters
from lfr_ray.api.site_routes import site_of
from lfr_ray.api.site_state import ClosedDeployment, OpenedDeployment, ProposedAuthority
from lfr_ray.api.watchlist_schemas import A_DATE, ApprovalSignature, Category
from lfr_ray.clock import parse_utc
from lfr_ray.config import CAMERA_PATTERN, NAME_PATTERN
from lfr_ray.errors import InputError
from lfr_ray.govern.authority import MAX_VOLUNTEERS, Place
from lfr_ray.govern.authority import Officer as RankedOfficer
from lfr_ray.match.watchlist_entries import CATEGORIES
from lfr_ray.strict_yaml import Section

router = APIRouter(prefix="/v1/deployments", tags=["site"], dependencies=[Depends(known_parameters)])

OPENING = needs("supervisor", "administrator")
Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=WORDS)]
Camera = Annotated[str, Field(pattern=CAMERA_PATTERN)]
Moment = Annotated[str, Field(max_length=40, json_schema_extra={"pattern": f"^{A_DATE}$"})]


class ProposalRequest(Section):
    """What a live deployment is asked for with; the site adds its list, model, threshold and configuration."""

    purpose: Words
    legal_basis: Words
    why: Words
    where: Place
    who: list[Category] = Field(min_length=1, max_length=len(CATEGORIES))
    cameras: list[Camera] = Field(min_length=1, max_length=1000)
    starts_at: Moment
    hours: float = Field(gt=0, le=24 * 366)
    documents: dict[str, Words] = Field(default_factory=dict, max_length=10)
    applicant: RankedOfficer
    authorising_officer: RankedOfficer


class SignedRequest(Section):
    """An authority as an officer signed it: what `lfr deployment sign` writes."""

    officer: Officer
    authority: dict[str, Any]
    signature: ApprovalSignature


class OwnRequest(Section):
    """Open a test, or a trial with the consents of everybody on its list."""

    officer: Officer
    hours: float | None = Field(default=None, gt=0, le=24 * 366, description="From now on; null: as the rules have it.")
    consents: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Moment] = Field(
        default_factory=dict,
        max_length=MAX_VOLUNTEERS,
        description="Trial: by entry, when the volunteer agreed.",
        json_schema_extra={"additionalProperties": False},  # an entry's name is of the pattern, or none
    )


@router.post("/proposal", dependencies=OPENING)
async def propose(request: Request, body: ProposalRequest) -> ProposedAuthority:
    """What an officer is to sign, elsewhere, so that the site's deployment is open. Nothing is recorded yet."""
    return await site_of(request).propose(body.model_dump(mode="json"))


@router.post("/signed", dependencies=OPENING, status_code=201)
async def take_in(request: Request, body: SignedRequest) -> OpenedDeployment:
    """Open the site's deployment by a signed authority. The signature decides, not who sends it."""
    by = acting_officer(request, body.officer)
    return await site_of(request).take_in(body.authority, body.signature.model_dump(), by=by)


@router.post("/own", dependencies=needs("administrator"), status_code=201)
async def open_own(request: Request, body: OwnRequest) -> OpenedDeployment:
    """Open the test or trial that the site's file names; the site's own key signs it."""
    by = acting_officer(request, body.officer)
    try:
        consents = {entry: parse_utc(at) for entry, at in body.consents.items()}
    except ValueError:
        raise InputError("a date of consent is wrong", allowed="ISO 8601, like 2026-08-21") from None
    return await site_of(request).open_own(hours=body.hours, consents=consents, by=by)


@router.post("/{deployment}/closing", dependencies=OPENING)
async def close(
    request: Request, deployment: Annotated[str, Path(pattern=NAME_PATTERN)], body: HoldRequest
) -> ClosedDeployment:
    """Close the site's deployment: nothing is compared any more, all it held is destroyed, and that is proved."""
    by = acting_officer(request, body.officer)
    return await site_of(request).close_own(deployment, by=by, reason=body.reason)
