"""Who may use the site over HTTP: shown, added and revoked by an administrator. A token is shown once, a hash never."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from lfr_ray.api.alert_routes import alerts_of
from lfr_ray.api.auth import NO_CONTENT, access_of, needs, people_of, person_of
from lfr_ray.api.http_schemas import PersonRequest
from lfr_ray.api.openapi import known_parameters
from lfr_ray.api.site_state import GivenToken, PeopleList, PersonState, SessionState
from lfr_ray.clock import utc_text
from lfr_ray.errors import NotFoundError, RefusedError
from lfr_ray.govern.signing_keys import PublicKey
from lfr_ray.people.tokens_and_sessions import DAY_S, ID_PATTERN, Held
from lfr_ray.records import folded, same_person

router = APIRouter(prefix="/v1/people", tags=["people"], dependencies=[Depends(known_parameters)])

PersonId = Annotated[str, Path(pattern=ID_PATTERN, description="A person's or service's id.")]
SessionId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="A session's id, from the list of people.")]


@router.get("", dependencies=needs("administrator", "auditor"))
async def people(request: Request) -> PeopleList:
    """Everybody who has a token or is signed in, by id."""
    access = access_of(request)
    held, trusted = await asyncio.gather(
        asyncio.to_thread(people_of(request).all), asyncio.to_thread(lambda: tuple(access.trusted()))
    )
    return people_list(held, trusted, access.clock.wall_s())


@router.post("", dependencies=needs("administrator"), status_code=201)
async def add_person(request: Request, body: PersonRequest) -> GivenToken:
    """Give a person or a service a token."""
    people, now_s = people_of(request), access_of(request).clock.wall_s()
    token = await asyncio.to_thread(people.add, body.person, body.role, days=body.days, now_s=now_s)
    until = now_s + body.days * DAY_S
    by = person_of(request).id
    try:
        facts = {"role": body.role, "until": utc_text(until)}
        await alerts_of(request).people_changed("token_given", by=by, person=body.person, facts=facts)
    except BaseException:
        await asyncio.to_thread(people.end, token, "token")  # what is not on record was not given out
        raise
    return GivenToken(body.person, body.role, until, token)


@router.delete("/{person}", dependencies=needs("administrator"), **NO_CONTENT)
async def revoke_person(request: Request, person: PersonId) -> None:
    """End every token and session of a person, from the next request on."""
    by, known = person_of(request).id, people_of(request)
    if same_person(person, by):
        raise RefusedError("nobody revokes themselves", got=person, next_step="let another administrator do it")
    if not any(same_person(one.person, person) for one in await asyncio.to_thread(known.all)):
        raise NotFoundError("nobody of this id has a token", got=person, next_step="see the list of people")
    await alerts_of(request).people_changed("tokens_revoked", by=by, person=person, facts={})
    await asyncio.to_thread(known.revoke, person)


@router.delete("/{person}/sessions/{session_id}", dependencies=needs("administrator"), **NO_CONTENT)
async def end_session(request: Request, person: PersonId, session_id: SessionId) -> None:
    """Sign one console out, from its next request on; other sessions and tokens stay."""
    known = people_of(request)
    await asyncio.to_thread(known.end_session, person, session_id)
    by = person_of(request).id
    await alerts_of(request).people_changed("session_ended", by=by, person=person, facts={})


def people_list(held: Iterable[Held], trusted: Iterable[PublicKey], now_s: float) -> PeopleList:
    """What is shown of tokens, sessions and certificates: whose, as what, until when. Not sessions that are over."""
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(folded(one.person), []).append(one)
    shown = []
    for _, mine in sorted(found.items()):
        last = mine[-1]
        trained = [key.training_until for key in trusted if _counts(key, last.person, now_s)]
        shown.append(
            PersonState(
                last.person,
                last.role,
                max((one.expires_at for one in mine if one.kind == "token"), default=None),
                max((until for until in trained if until is not None), default=None),
                tuple(
                    SessionState(one.session_id, one.made_at, one.expires_at)
                    for one in mine
                    if one.kind == "session" and now_s < one.expires_at
                ),
            )
        )
    return PeopleList(tuple(shown))


def _counts(key: PublicKey, person: str, now_s: float) -> bool:
    return same_person(key.holder, person) and not key.unusable(now_s)
