"""The watchlist over HTTP, entry by entry, for those who look after it. Changes wait for a second person's approval."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request

from lfr_ray.api.alert_routes import moment_of
from lfr_ray.api.auth import NO_CONTENT, acting_officer, looking_reason, needs
from lfr_ray.api.http_schemas import BINARY, HoldRequest
from lfr_ray.api.openapi import known_parameters
from lfr_ray.api.site_routes import site_of
from lfr_ray.api.watchlist_schemas import MOST_FACES, ApprovalRequest, EntryChange, EntryRequest
from lfr_ray.errors import InputError
from lfr_ray.match.keeper_answers import (
    MOST_LISTED,
    ListApproval,
    ListedEntry,
    ListPage,
    ListProposal,
    ListQuery,
    PictureCheck,
)
from lfr_ray.records import Role

router = APIRouter(prefix="/v1/watchlist", tags=["watchlist"], dependencies=[Depends(known_parameters)])

KEEPING = needs("importer")
SEEING: tuple[Role, ...] = ("importer", "supervisor", "auditor")
"""Who sees names of the list."""

EntryId = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$", description="An entry's id.")
]
Face = Annotated[
    int | None, Query(ge=1, le=MOST_FACES, description="Which face is meant, counted from 1, left to right.")
]
Words = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff")
PICTURE = {"requestBody": {"required": True, "content": dict.fromkeys(PICTURE_TYPES, BINARY)}}


@router.post("/check", dependencies=KEEPING, openapi_extra=PICTURE)
async def check_picture(request: Request, face: Face = None) -> PictureCheck:
    """What would become of a picture, the request's body: faces, quality, and entries that show this very person.

    Nothing of it is kept. That somebody asked is in the ledger.
    """
    picture = await request.body()
    by, reason = acting_officer(request), looking_reason(request)
    return await site_of(request).check_picture(picture, face=face, by=by, reason=reason)


@router.get("/entries", dependencies=needs(*SEEING))
async def list_entries(
    request: Request,
    text: Words = "",
    category: Words = "",
    after: Words = "",
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> ListPage:
    """Entries of the list as it would be once what waits is approved, by id. That somebody looked is in the ledger."""
    query = ListQuery(text=text, category=category, after=after, limit=limit)
    return await site_of(request).list_entries(query, by=acting_officer(request), reason=looking_reason(request))


@router.post("/entries", dependencies=KEEPING, status_code=201)
async def add_entry(request: Request, body: EntryRequest) -> ListedEntry:
    """Put somebody on the list, with a first picture."""
    try:
        picture = base64.b64decode(body.picture, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("the picture is not written as base64", allowed="RFC 4648, with padding") from None
    return await site_of(request).add_entry(
        body.cells(), picture, face=body.face, by=acting_officer(request), same_person=body.same_person
    )


@router.post("/entries/{entry_id}/pictures", dependencies=KEEPING, status_code=201, openapi_extra=PICTURE)
async def add_picture(request: Request, entry_id: EntryId, face: Face = None) -> ListedEntry:
    """Add a picture, the request's body, to an entry."""
    picture = await request.body()
    return await site_of(request).add_picture(entry_id, picture, face=face, by=acting_officer(request))


@router.get("/proposal", dependencies=needs(*SEEING))
async def proposal(request: Request) -> ListProposal:
    """The list as it would be once what waits is approved: what an approver signs, elsewhere, with their own key."""
    return await site_of(request).proposal()


@router.post("/approval", dependencies=needs("importer", "supervisor"), status_code=201)
async def approve(request: Request, body: ApprovalRequest) -> ListApproval:
    """Take up what waits and freeze the list, by an approver's signature. The signature decides, not who sends it."""
    by = acting_officer(request, body.officer)
    return await site_of(request).approve(body.content_hash, body.signature.model_dump(), by=by)


@router.patch("/entries/{entry_id}", dependencies=KEEPING)
async def change_entry(request: Request, entry_id: EntryId, body: Annotated[EntryChange, Body()]) -> ListedEntry:
    """Change an entry's name, action, priority or expiry."""
    changes = body.model_dump(exclude={"reason"}, exclude_none=True)
    if body.expires_at is not None:
        changes["expires_at"] = moment_of("expires_at", body.expires_at)
    return await site_of(request).change_entry(entry_id, changes, by=acting_officer(request), reason=body.reason)


@router.post("/entries/{entry_id}/removal", dependencies=KEEPING, **NO_CONTENT)
async def remove_entry(request: Request, entry_id: EntryId, body: HoldRequest) -> None:
    """Take somebody off the list, with a reason."""
    by = acting_officer(request, body.officer)
    await site_of(request).remove_entry(entry_id, by=by, reason=body.reason)


@router.delete("/entries/{entry_id}/waiting", dependencies=KEEPING, **NO_CONTENT)
async def take_back(request: Request, entry_id: EntryId) -> None:
    """Erase what waits of an entry; the list stays as it is."""
    await site_of(request).take_back(entry_id, by=acting_officer(request))
