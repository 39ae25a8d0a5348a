"""What every request passes before a route sees it: size, host, token; and what every answer carries."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lfr_ray.alert.webhook_store import is_loopback
from lfr_ray.api.auth import Access
from lfr_ray.api.problems import ProblemResponse, of_fault, problem

MAX_BODY_BYTES = 64 * 1024
SWALLOWED_BYTES = 32 * 1024 * 1024
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/"})
OPEN_FOLDER = "/console/"
"""The console's own files hold no data; the data that it shows needs the token."""

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
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
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
    """Refuses what is too large, comes by a strange name, from another site's page, or without the token."""

    def __init__(self, app: ASGIApp, access: Access, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._access = access
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None and scope["method"] not in ("GET", "HEAD"):
            body = await _read_body(receive, self._max_body_bytes)
            if body is None:
                refusal = _too_large(self._max_body_bytes)
            else:
                receive = _replay(body, receive)
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> ProblemResponse | None:
        here = _is_local_name(headers.get("host", "")) and is_loopback((scope.get("client") or ("",))[0])
        if not self._access.needed and not here:
            return _strange_host()
        if scope["method"] not in ("GET", "HEAD") and headers.get("sec-fetch-site", "") in ("cross-site", "same-site"):
            return _another_page()
        path = scope["path"]
        identity = self._access.identify(headers.get("authorization", ""))
        if identity is None and not (path in OPEN_PATHS or path.startswith(OPEN_FOLDER)):
            return _no_token()
        if identity is not None:
            scope["lfr_identity"] = identity
        return None


async def _read_body(receive: Receive, most_bytes: int) -> bytes | None:
    """The whole body; None when it is larger than allowed, whatever its length was said to be.

    What is too large is read and dropped: many a client hears no answer before it has sent everything.
    """
    body, size = b"", 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        chunk = bytes(message.get("body", b""))
        size += len(chunk)
        body = body + chunk if size <= most_bytes else b""
        if size > SWALLOWED_BYTES or not message.get("more_body", False):
            return body if size <= most_bytes else None


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


def _strange_host() -> ProblemResponse:
    document = problem(
        403,
        "strange-host",
        "Refused",
        "without a token this server answers only this machine, by its own names",
        allowed="Host: localhost, 127.0.0.1 or [::1], asked from here",
        next_step="set api -> token_env in the site file to serve other machines",
    )
    return ProblemResponse(document)


def _another_page() -> ProblemResponse:
    detail = "a page of another site sent this request"
    return ProblemResponse(
        problem(403, "cross-site", "Refused", detail, allowed="the console's own page, or a program")
    )


def _no_token() -> ProblemResponse:
    document = problem(
        401,
        "unauthorised",
        "A token is needed",
        "the request has no valid bearer token",
        allowed="Authorization: Bearer <token>",
        next_step="ask the site's operator for a token",
    )
    return ProblemResponse(document, {"WWW-Authenticate": "Bearer"})
