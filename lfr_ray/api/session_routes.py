"""Signing in to the console, and out: by a token, or at an issuer of identities."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from dataclasses import astuple
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from pydantic.dataclasses import dataclass
from starlette.responses import RedirectResponse, Response

from lfr_ray.api.alert_routes import alerts_of
from lfr_ray.api.auth import COOKIE, NO_CONTENT, Access, Identity, access_of, everybody_is_known, identity_of, people_of
from lfr_ray.api.http_schemas import PushRequest
from lfr_ray.errors import NotFoundError, RefusedError
from lfr_ray.people.oidc import Attempt, Issuer
from lfr_ray.people.tokens_and_sessions import SESSION_S, Handset, csrf_of
from lfr_ray.people.web_push import check_handset, public_text, push_key
from lfr_ray.records import CLOSED, SERVICES, Person, Role

router = APIRouter(prefix="/v1/session", tags=["session"])

ATTEMPT = "lfr_attempt"
ATTEMPT_S = 600


@dataclass(frozen=True, config=CLOSED)
class WhoAmI:
    """Who is signed in here."""

    person: Annotated[str, Field(description="Empty while nobody is signed in.")]
    roles: tuple[Role, ...]
    test: Annotated[bool, Field(description="Everybody on this machine is the built-in officer of a test.")]
    csrf: Annotated[
        str, Field(description="Send it as X-CSRF-Token with whatever changes something; empty: not needed.")
    ]
    issuer: Annotated[bool, Field(description="An issuer signs people in, at /v1/session/issuer.")]


@dataclass(frozen=True, config=CLOSED)
class PushOffer:
    """Whether a console can be told of alerts while it is closed."""

    key: Annotated[str, Field(description="What a browser subscribes with, base64url; empty: no push service.")]
    on: Annotated[bool, Field(description="This session has subscribed.")]


@router.get("")
async def who_am_i(request: Request) -> WhoAmI:
    """Who is signed in; nobody is no error."""
    identity = request.scope.get("lfr_identity")
    return _who(request, identity if isinstance(identity, Identity) else None)


@router.post("")
async def sign_in(request: Request, response: Response) -> WhoAmI:
    """Sign in to the console with a token, sent as it always is; the answer sets the session's cookie."""
    return await _signed_in(request, response, identity_of(request))


@router.delete("", **NO_CONTENT)
async def sign_out(request: Request, response: Response) -> None:
    """Sign out: the session ends everywhere."""
    people_of(request).end(identity_of(request).token, "session")
    response.delete_cookie(COOKIE, path="/")


@router.get("/issuer", status_code=303, response_class=RedirectResponse)
async def to_issuer(request: Request) -> Response:
    """Go to the issuer to sign in."""
    attempt = Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    access, issuer = _issuer(request)
    answer = RedirectResponse(await issuer.address(attempt, _callback(request)), 303)
    answer.set_cookie(
        ATTEMPT,
        "~".join(astuple(attempt)),
        ATTEMPT_S,
        path=router.prefix,
        httponly=True,
        samesite="lax",
        secure=access.secure,
    )
    return answer


@router.get("/callback", status_code=303, response_class=RedirectResponse)
async def from_issuer(
    request: Request,
    code: Annotated[str, Query(max_length=4096)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Come back from the issuer, signed in."""
    access, issuer = _issuer(request)
    parts = request.cookies.get(ATTEMPT, "").split("~")
    if len(parts) != 3 or not code or not hmac.compare_digest(parts[0].encode(), state.encode()):
        raise RefusedError(
            "this sign-in was not begun here, or took too long", next_step="open the console and sign in"
        )
    person = await issuer.signed_in(code, Attempt(*parts), _callback(request), access.clock.wall_s())
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(ATTEMPT, path=router.prefix)
    await _signed_in(request, answer, Identity(person))
    return answer


@router.get("/push")
async def push(request: Request) -> PushOffer:
    """Whether this session can be told of new alerts while its console is closed, and by which key it subscribes."""
    people, services = people_of(request), access_of(request).push
    if not services:
        return PushOffer("", False)
    key = await asyncio.to_thread(push_key, people.data_dir)
    held = people.find(identity_of(request).token, access_of(request).clock.wall_s())
    return PushOffer(public_text(key), held is not None and held.handset is not None)


@router.put("/push", **NO_CONTENT)
async def subscribe(request: Request, body: PushRequest) -> None:
    """Tell this session's browser of each new alert: its id alone, encrypted. It ends with the session."""
    await _told(request, Handset(body.endpoint, body.keys.p256dh, body.keys.auth))


@router.delete("/push", **NO_CONTENT)
async def unsubscribe(request: Request) -> None:
    """Tell it no longer."""
    await _told(request, None)


async def _told(request: Request, handset: Handset | None) -> None:
    people, identity = people_of(request), identity_of(request)
    if not access_of(request).push:
        raise NotFoundError("this site has no push service", next_step="name one: outputs -> push")
    if handset is not None:
        check_handset(handset, access_of(request).push)
    held = people.find(identity.token, access_of(request).clock.wall_s())
    if held is None or held.kind != "session":
        raise RefusedError("only a console that is signed in is told of alerts", next_step="sign in with a token")
    await asyncio.to_thread(people.set_handset, held.sha256, handset)


async def _signed_in(request: Request, response: Response, proven: Identity) -> WhoAmI:
    people, access = people_of(request), access_of(request)
    if len(proven.person.roles) > 1:
        raise everybody_is_known()  # the built-in officer of a test
    if proven.person.roles <= SERVICES:
        raise RefusedError(
            "a service does not sign in to the console", got=proven.person.id, allowed="a person's own token"
        )
    token = people.sign_in(proven.person, now_s=access.clock.wall_s(), until_s=proven.expires_at)
    await alerts_of(request).consulted(who=proven.person.id, what="signed in")
    longest_s = int(SESSION_S)
    response.set_cookie(COOKIE, token, longest_s, path="/", httponly=True, samesite="strict", secure=access.secure)
    return _who(request, Identity(proven.person, token, cookie=True))


def _who(request: Request, identity: Identity | None) -> WhoAmI:
    access = access_of(request)
    person = Person("", frozenset()) if identity is None else identity.person
    csrf = csrf_of(identity.token) if identity is not None and identity.cookie else ""
    return WhoAmI(person.id, tuple(sorted(person.roles)), bool(access.demo_officer), csrf, access.issuer is not None)


def _issuer(request: Request) -> tuple[Access, Issuer]:
    access = access_of(request)
    if access.issuer is None:
        raise NotFoundError("no issuer signs people in here", next_step="sign in with a token")
    return access, access.issuer


def _callback(request: Request) -> str:
    return f"{access_of(request).public_url or str(request.base_url).rstrip('/')}{router.prefix}/callback"
