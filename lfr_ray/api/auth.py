"""Who is asking, and what they may: people with tokens or sessions, services, and the built-in officer of a test."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as DependsParam
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.responses import Response

from lfr_ray.api.console_files import is_page
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.errors import InputError, RefusedError
from lfr_ray.govern.signing_keys import PublicKey
from lfr_ray.people.oidc import Issuer
from lfr_ray.people.tokens_and_sessions import ID_PATTERN, SEEING, People, csrf_of
from lfr_ray.records import EVERYTHING, PEOPLE, SERVICES, Person, Role, folded

OFFICER_PATTERN = ID_PATTERN
MAX_REASON = 200
COOKIE = "lfr_session"
CSRF_HEADER = "X-CSRF-Token"
PER_S, BURST = 50.0, 500.0
"""Requests of one person: in the long run and at once. A console that opens needs a few dozen."""
STRANGER_PER_S, STRANGER_BURST = 1.0, 60.0
"""Requests of one address without a valid token."""
MOST_REMEMBERED = 10_000

NO_CONTENT: Any = {"status_code": 204, "response_class": Response}
"""Of a route that answers with nothing."""

LOOKING: tuple[Role, ...] = SEEING
DECIDING: tuple[Role, ...] = ("officer", "supervisor")


@dataclass(frozen=True, slots=True)
class Needs:
    """A route's roles: whoever has none of them is refused."""

    roles: tuple[Role, ...]

    async def __call__(self, request: Request) -> None:
        """Refuse, or let through. RefusedError: another role."""
        allow(request, *self.roles)


def allow(request: Request, *roles: Role) -> None:
    """Go on only for a person of one of these roles. RefusedError: another role."""
    found = person_of(request).roles
    if not found.intersection(roles):
        raise RefusedError(
            "your role does not allow this",
            got=", ".join(sorted(found)),
            allowed=", ".join(roles),
            next_step="ask the site's administrator: lfr people add",
        )


def needs(*roles: Role) -> list[Any]:
    """For a route's ``dependencies``: who may use it."""
    return [Depends(Needs(roles))]


def roles_of(routers: Iterable[APIRouter]) -> Mapping[tuple[str, str], tuple[Role, ...]]:
    """Of each method and address who may use it; none of those open to everybody. ValueError: a route says neither."""
    table: dict[tuple[str, str], tuple[Role, ...]] = {}
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute) or not route.include_in_schema:
                continue
            asked = [one.dependency for one in route.dependencies if isinstance(one, DependsParam)]
            found = [one.roles for one in asked if isinstance(one, Needs)]
            if not found and not is_open(route.path):
                raise ValueError(f"{route.path} does not say who may use it: dependencies=needs(...)")
            for method in route.methods or ():
                table[method, route.path] = found[0] if found else ()
    return table


OPEN_PATHS = frozenset({"/healthz", "/readyz"})
OPEN_FOLDER = "/v1/session"
"""Besides the console's own files, which hold no data: a session is how somebody becomes known."""


def is_open(path: str) -> bool:
    """Anybody may ask it."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER) or is_page(path)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends a request.

    Attributes:
        token: What proved it; of a session it is the cookie's. Empty of the demo's officer and of an issuer's token.
        cookie: It came as a cookie, which a browser sends by itself: what changes something needs more than that.
    """

    person: Person
    token: str = ""
    cookie: bool = False
    expires_at: float | None = None


class Access:
    """Who may come in, and how often.

    Args:
        people: Tokens and sessions; without them only the demo's officer is known.
        issuer: Who else proves people.
        demo_officer: Everybody on this machine is this officer; a test on loopback only.
        public_url: Where people reach the site; by https, the console's cookie travels by nothing else.
        trusted: Keys of certificates that count here, which say until when somebody's training does.
        push: Push services by which consoles may be told of alerts.
    """

    def __init__(
        self,
        people: People | None = None,
        *,
        issuer: Issuer | None = None,
        demo_officer: str = "",
        clock: Clock | None = None,
        public_url: str = "",
        trusted: Callable[[], Iterable[PublicKey]] = tuple,
        push: tuple[str, ...] = (),
    ) -> None:
        self.people, self.issuer = people, issuer
        self.public_url, self.secure = public_url.rstrip("/"), public_url.startswith("https://")
        self.demo_officer, self.trusted, self.push = demo_officer, trusted, push
        self.clock = clock or SystemClock()
        self._spent: dict[str, tuple[float, float]] = {}

    async def identify(self, headers: Headers) -> Identity | None:
        """Who sends these headers; None: nobody who may. LfrError: the file of people or the issuer cannot be asked."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token, cookie = token.strip(), _cookie(headers)
        if scheme.lower() == "bearer" and token:
            if self.issuer is not None and token.count(".") == 2:
                person = await self.issuer.person_of(token, self.clock.wall_s())
                return None if person is None else Identity(person)
            return self._held(token, cookie=False)
        if scheme:
            return None
        if cookie:
            return self._held(cookie, cookie=True)
        if self.demo_officer:
            return Identity(Person(self.demo_officer, frozenset(PEOPLE)))
        return None

    def _held(self, token: str, *, cookie: bool) -> Identity | None:
        held = self.people.find(token, self.clock.wall_s()) if self.people else None
        if held is None or (held.kind == "session") != cookie:
            return None
        return Identity(held.proven, token, cookie, held.expires_at)

    def wait_s(self, identity: Identity | None, address: str) -> float:
        """How long this person, or this address without one, must wait before the next request; 0: not at all."""
        name = f"address {address}" if identity is None else folded(identity.person.id)
        per_s, burst = (STRANGER_PER_S, STRANGER_BURST) if identity is None else (PER_S, BURST)
        now_s = self.clock.steady_s()
        left, at_s = self._spent.get(name, (burst, now_s))
        left = min(burst, left + (now_s - at_s) * per_s)
        if left < 1:
            return (1 - left) / per_s
        if len(self._spent) >= MOST_REMEMBERED:
            self._spent.clear()
        self._spent[name] = (left - 1, now_s)
        return 0.0


def csrf_fits(identity: Identity, headers: Headers) -> bool:
    """A request that changes something comes from the console's own page."""
    return not identity.cookie or hmac.compare_digest(
        headers.get(CSRF_HEADER, "").encode(), csrf_of(identity.token).encode()
    )


def identity_of(request: Request) -> Identity:
    """Who sent the request, as the middleware found out. RefusedError: nobody who is known."""
    identity = request.scope.get("lfr_identity")
    if not isinstance(identity, Identity):
        raise RefusedError("nobody is signed in", next_step="sign in first")
    return identity


def access_of(request: Request) -> Access:
    """Who may come in."""
    access: Access = request.app.state.access
    return access


def people_of(request: Request) -> People:
    """The site's tokens and sessions. RefusedError: there are none: it is a test."""
    people = access_of(request).people
    if people is None:
        raise everybody_is_known()
    return people


def everybody_is_known() -> RefusedError:
    """Nobody signs in here."""
    return RefusedError("everybody is signed in here: it is a test", next_step="go on; nobody needs to sign in")


def person_of(request: Request) -> Person:
    """The person who sent the request."""
    return identity_of(request).person


def acting_officer(request: Request, claimed: str | None = None) -> str:
    """The officer who acts: the proven one. RefusedError: the request claims another person's id."""
    person = person_of(request)
    if claimed and folded(claimed) != folded(person.id):
        raise RefusedError(
            "the token belongs to another officer",
            got=f"officer {claimed}",
            allowed=person.id,
            next_step="sign in with your own token",
        )
    return person.id


def looking_person(request: Request) -> str:
    """Who looks at alerts, for the ledger. InputError: X-Officer holds no id. RefusedError: it holds another's."""
    claimed = request.headers.get("x-officer", "").strip()
    if claimed and not re.match(OFFICER_PATTERN, claimed):
        raise InputError("X-Officer is no officer's id", allowed=OFFICER_PATTERN)
    return acting_officer(request, "" if person_of(request).roles <= SERVICES else claimed)


def reader_of(request: Request) -> str:
    """As whom the desk shows alerts: with figures, once this officer compared the faces; an auditor always."""
    return EVERYTHING if person_of(request).roles == {"auditor"} else person_of(request).id


def looking_reason(request: Request) -> str:
    """Why they look, when the X-Reason header says so. InputError: it is too long."""
    reason = request.headers.get("x-reason", "").strip()
    if len(reason) > MAX_REASON:
        raise InputError("X-Reason is too long", got=f"{len(reason)} characters", allowed=f"{MAX_REASON}")
    return reason


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
