"""The console's files, served from the package: nothing from another host, nothing built."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from lfr_ray.errors import NotFoundError

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
INDEX = "index.html"
WORKER = "service_worker.js"
FOLDERS = ("", "text")
"""Folders of the console's files; in ``text`` lies one file for each language."""

PAGES = ("alerts", "cameras", "site", "deployment", "watchlist", "record", "audit", "people", "wall")
"""Each page of the console has its own address, and all are the same document."""


def read_pages() -> Mapping[str, bytes]:
    """Every file of the console by its name."""
    folder = resources.files("lfr_ray") / "console"
    return {
        f"{name}/{item.name}".lstrip("/"): item.read_bytes()
        for name in FOLDERS
        for item in (folder / name).iterdir()
        if item.name.rpartition(".")[2] in MEDIA_TYPES
    }


def is_page(path: str) -> bool:
    """Whether a path is the console's document or one of its files; they hold no data."""
    first = path.strip("/").partition("/")[0]
    return path == "/" or first in PAGES or path.startswith("/console/")


def page_router(pages: Mapping[str, bytes]) -> APIRouter:
    """Routes of the console."""
    router = APIRouter(include_in_schema=False)

    async def index(request: Request) -> Response:
        return _page(pages, INDEX, request)

    async def page(request: Request) -> Response:
        return _page(pages, str(request.path_params["name"]), request)

    for address in ("/", "/alerts/{alert_id}", *(f"/{name}" for name in PAGES)):
        router.add_route(address, index, methods=["GET"])
    router.add_route("/console/{name:path}", page, methods=["GET"])
    return router


@cache
def packed(data: bytes) -> tuple[bytes, str]:
    """A file as it travels, by gzip, and its ETag."""
    return gzip.compress(data, mtime=0), f'W/"{hashlib.sha256(data).hexdigest()[:16]}"'


def _page(pages: Mapping[str, bytes], name: str, request: Request) -> Response:
    if name not in pages:
        raise NotFoundError("the console has no such file", allowed=", ".join(sorted(pages)))
    kind = MEDIA_TYPES[name.rpartition(".")[2]]
    body, etag = packed(pages[name])
    # Asked again each time: after an update the page and its script always belong together.
    headers = {"Content-Type": kind, "Cache-Control": "no-cache", "ETag": etag, "Vary": "Accept-Encoding"}
    if name == WORKER:
        headers["Service-Worker-Allowed"] = "/"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body, headers=headers | {"Content-Encoding": "gzip"})
    return Response(pages[name], headers=headers)
