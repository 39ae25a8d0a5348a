"""What every request passes before a route sees it: size, host, token; and what every answer carries."""

from __future__ import annotations

import math
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lfr_ray.alert.webhook_address import is_loopback
from lfr_ray.api.auth import CSRF_HEADER, Access, csrf_fits, is_open
from lfr_ray.api.problem_documents import ProblemResponse, of_error, of_fault, problem
from lfr_ray.errors import LfrError

MAX_BODY_BYTES = 64 * 1024
MAX_PICTURE_BYTES = 10 * 1024 * 1024
ENTRIES_PATH = "/v1/watchlist/entries"
"""Takes a picture as base64."""
PICTURE_PATH = re.compile(r"^/v1/watchlist/(check|entries|entries/[^/]+/pictures)$")
MAX_AUTHORITY_BYTES = 1024 * 1024
SIGNED_PATH = "/v1/deployments/signed"
"""Takes an authority, which names every field of every camera."""
MAX_RECORDING_BYTES = 128 * 1024 * 1024
RECORDING_PATH = re.compile(r"^/v1/cameras/[^/]+/recording$")
SWALLOWED_BYTES = 32 * 1024 * 1024

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class AnswerMiddleware:
    """The outermost layer: security headers on every answer, and no fault ever reaches the server's log whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                # Alerts, pictures and everything about them: never kept by a browser or a proxy.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  (the server would print its text, which may hold a name)
            document = of_fault(error)
            if not started:
                await ProblemResponse(document)(scope, receive, send_with_headers)


class AccessMiddleware:
    """Refuses what is too large, comes by a strange name, from another site's page, from nobody known, or too often."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = await self._refusal(scope, headers)
        if refusal is None and scope["method"] not in ("GET", "HEAD"):
            most_bytes = _most_bytes(scope)
            body = await _read_body(receive, most_bytes)
            if body is None:
                refusal = _too_large(most_bytes)
            else:
                receive = _replay(body, receive)
        await (self._app if refusal is None else refusal)(scope, receive, send)

    async def _refusal(self, scope: Scope, headers: Headers) -> ProblemResponse | None:
        if not is_open(scope["path"]) and not self._travels_well(scope):
            return _refused(
                "in-the-clear",
                "beyond this machine this server answers by TLS only",
                "https, or the proxy that api -> public_url states",
                "give http_options ssl_certfile and ssl_keyfile, or state the proxy",
            )
        address = (scope.get("client") or ("",))[0]
        here = _is_local_name(headers.get("host", "")) and is_loopback(address)
        if self._access.demo_officer and not here:
            return _refused(
                "strange-host",
                "a test with a built-in officer answers only to this machine's own names",
                "Host: localhost, 127.0.0.1 or [::1]",
                "take api -> demo_officer out of the site file, and give people tokens: lfr people add",
            )
        changes = scope["method"] not in ("GET", "HEAD")
        # Looking is recorded, so that a foreign page may not look either; an issuer sends people back by a link.
        if (changes or not is_open(scope["path"])) and _is_foreign(headers):
            detail = "a page of another site sent this request"
            return _refused("cross-site", detail, "the console's own page, or a program")
        try:
            identity = await self._access.identify(headers)
        except LfrError as error:
            return ProblemResponse(of_error(error))
        if identity is None and is_open(scope["path"]) and not changes:
            return None
        wait_s = self._access.wait_s(identity, address)
        if wait_s:
            return _too_often(wait_s)
        if identity is None:
            return _no_token()
        if changes and not csrf_fits(identity, headers):
            detail = "the request has the console's cookie and not its second token"
            return _refused("csrf", detail, f"{CSRF_HEADER} as /v1/session gives it", "load anew")
        scope["lfr_identity"] = identity
        return None

    def _travels_well(self, scope: Scope) -> bool:
        """On this machine, by TLS, or from the proxy that the site states."""
        client = (scope.get("client") or ("localhost",))[0]
        return scope.get("scheme") == "https" or bool(self._access.public_url) or is_loopback(client)


def _is_foreign(headers: Headers) -> bool:
    """A page of another site sends this."""
    fetched_from = headers.get("sec-fetch-site", "")
    if fetched_from:
        return fetched_from in ("cross-site", "same-site")
    origin = headers.get("origin", "")
    return bool(origin) and origin.partition("://")[2] != headers.get("host", "")


def _most_bytes(scope: Scope) -> int:
    """How large a body may be: a picture is larger than anything else, and few may send one."""
    identity = scope.get("lfr_identity")
    if scope["path"] == SIGNED_PATH and identity is not None:
        return MAX_AUTHORITY_BYTES
    roles = () if identity is None else identity.person.roles
    if RECORDING_PATH.match(scope["path"]) and {"administrator", "importer"}.intersection(roles):
        return MAX_RECORDING_BYTES
    if not PICTURE_PATH.match(scope["path"]) or "importer" not in roles:
        return MAX_BODY_BYTES
    return MAX_PICTURE_BYTES if scope["path"] != ENTRIES_PATH else MAX_PICTURE_BYTES * 4 // 3 + MAX_BODY_BYTES


async def _read_body(receive: Receive, most_bytes: int) -> bytes | None:
    """The whole body; None when it is larger than allowed, whatever its length was said to be.

    What is too large is read and dropped: many a client hears no answer before it has sent everything.
    """
    body, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= most_bytes:
            body += chunk
        else:
            body.clear()
        if size > max(SWALLOWED_BYTES, most_bytes) or not message.get("more_body", False):
            return bytes(body) if size <= most_bytes else None


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


def _is_local_name(host: str) -> bool:
    """The Host header names this machine. A page of another site that made its own name point here does not."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name.lower())


def _too_large(most_bytes: int) -> ProblemResponse:
    detail = "the request's body is too large"
    return ProblemResponse(
        problem(413, "content-too-large", "Content too large", detail, allowed=f"{most_bytes} bytes"),
        {"Connection": "close"},
    )


def _refused(kind: str, detail: str, allowed: str, next_step: str = "") -> ProblemResponse:
    return ProblemResponse(problem(403, kind, "Refused", detail, allowed=allowed, next_step=next_step))


def _too_often(wait_s: float) -> ProblemResponse:
    document = problem(429, "too-many-requests", "Too many requests", "too many requests of one person or address")
    return ProblemResponse(document, {"Retry-After": str(math.ceil(wait_s))})


def _no_token() -> ProblemResponse:
    document = problem(
        401,
        "unauthorised",
        "A token is needed",
        "the request has no valid token or session",
        allowed="Authorization: Bearer <token>",
        next_step="ask the site's administrator for a token: lfr people add",
    )
    return ProblemResponse(document, {"WWW-Authenticate": "Bearer"})
