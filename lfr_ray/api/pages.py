"""The console's files, served from the package: nothing from another host, nothing built."""

from __future__ import annotations

from collections.abc import Mapping
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
}
INDEX = "index.html"


def read_pages() -> Mapping[str, bytes]:
    """Every file of the console by its name."""
    folder = resources.files("lfr_ray") / "console"
    files = [item for item in folder.iterdir() if item.name.rpartition(".")[2] in MEDIA_TYPES]
    return {item.name: item.read_bytes() for item in files}


def page_router(pages: Mapping[str, bytes]) -> APIRouter:
    """Routes of the console."""
    router = APIRouter(include_in_schema=False)

    async def index(_request: Request) -> Response:
        return _page(pages, INDEX)

    async def page(request: Request) -> Response:
        return _page(pages, str(request.path_params["name"]))

    router.add_route("/", index, methods=["GET"])
    router.add_route("/console/{name}", page, methods=["GET"])
    return router


def _page(pages: Mapping[str, bytes], name: str) -> Response:
    if name not in pages:
        raise NotFoundError("the console has no such file", allowed=", ".join(sorted(pages)))
    kind = MEDIA_TYPES[name.rpartition(".")[2]]
    # Asked again each time: after an update the page and its script always belong together.
    return Response(pages[name], headers={"Content-Type": kind, "Cache-Control": "no-cache"})
