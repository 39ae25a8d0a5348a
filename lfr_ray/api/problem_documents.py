"""Errors as RFC 9457 problem documents: what, got, allowed, next step; never a traceback, never a value of ours."""

from __future__ import annotations

import json
import re
import secrets
import traceback
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lfr_ray.api.openapi import methods_at
from lfr_ray.errors import LfrError
from lfr_ray.structured_logs import get_logger

MEDIA_TYPE = "application/problem+json"
UNPROCESSABLE = 422
RETRY_AFTER_S = 2

ProblemDocument = Mapping[str, str | int]
"""The fields of ``schemas.Problem``."""

log = get_logger()


class ProblemResponse(Response):
    """A response that holds a problem document."""

    media_type = MEDIA_TYPE

    def __init__(self, document: ProblemDocument, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        super().__init__(body, int(document["status"]), dict(headers or {}), MEDIA_TYPE)


def problem(
    status: int, kind: str, title: str, detail: str, *, got: str = "", allowed: str = "", next_step: str = ""
) -> ProblemDocument:
    """The document itself.

    >>> problem(404, "not-found", "Not found", "no such alert")["type"]
    'urn:lfr-ray:problem:not-found'
    """
    return {
        "type": f"urn:lfr-ray:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "got": got,
        "allowed": allowed,
        "next_step": next_step,
    }


def of_error(error: LfrError) -> ProblemDocument:
    """The problem that one of our errors is."""
    name = type(error).__name__
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Error")).lower()
    title = (type(error).__doc__ or name).strip().splitlines()[0].rstrip(".")
    return problem(
        error.http_status,
        words.replace(" ", "-"),
        title,
        error.what,
        got=error.got,
        allowed=error.allowed,
        next_step=error.next_step,
    )


def of_fault(error: BaseException) -> ProblemDocument:
    """The problem that a fault of the program is: a number, under which the log has its place in the code.

    The error's text is neither shown nor logged, because it may hold a name.
    """
    incident = secrets.token_hex(6)
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    log.error("request failed", incident=incident, error=type(error).__name__, at=places)
    return problem(
        500,
        "internal",
        "The program failed",
        "something went wrong inside; it is in the log",
        got=f"incident {incident}",
        next_step="send it again; if it stays, report the incident's number",
    )


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem document."""
    app.add_exception_handler(LfrError, _on_lfr_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_lfr_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LfrError)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if error.http_status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return ProblemResponse(of_error(error), headers)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return ProblemResponse(
        problem(
            UNPROCESSABLE,
            "invalid-request",
            "The request is not valid",
            "a part of the request is missing, unknown or of the wrong kind",
            got="; ".join(_fault(fault) for fault in error.errors())[:1000],
            allowed=_allowed(error.errors()),
            next_step="correct the part that is named; /openapi.json describes every request",
        )
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    allowed, next_step = "", ""
    if status is HTTPStatus.NOT_FOUND:
        detail, next_step = "there is nothing at this address", "/openapi.json lists every address"
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail, allowed = "this address does not take this method", ", ".join(methods_at(request.app, request.url.path))
        headers = {"Allow": allowed} if allowed else headers
    else:
        detail = status.description or status.phrase
    kind = status.phrase.lower().replace(" ", "-")
    got = request.method if status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    document = problem(status.value, kind, status.phrase, detail, got=got, allowed=allowed, next_step=next_step)
    return ProblemResponse(document, headers)


def _fault(fault: Any) -> str:
    """Where and why; never the value, which may be a name or a note."""
    path = " -> ".join(str(part) for part in fault["loc"])
    return f"{path}: {fault['msg']}"


def _allowed(faults: Iterable[Any]) -> str:
    found = [str(fault["ctx"]["expected"]) for fault in faults if "expected" in (fault.get("ctx") or {})]
    return "; ".join(dict.fromkeys(found))
