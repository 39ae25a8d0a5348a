"""The application as /openapi.json describes it: what FastAPI finds out by itself, and what it cannot know."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError

from lfr_ray.alert.event_kinds import KINDS
from lfr_ray.alert.json_document import adapter
from lfr_ray.api.auth import is_open
from lfr_ray.records import WebhookEvent

SCHEMAS = "#/components/schemas/"
HEADERS = {
    "webhook-id": "The same at every attempt, and of no other event: whoever has handled it does nothing.",
    "webhook-timestamp": "When it was sent, seconds since 1970.",
    "webhook-signature": "As Standard Webhooks has it.",
    "Idempotency-Key": "The same as webhook-id.",
    "LFR-Event": "The kind.",
}


class DescribedApi(FastAPI):
    """An application that adds the webhooks, and how to be let in, to what FastAPI finds out.

    The document is made when it is first asked for: it takes longer than all else at the start of an ingress. It says
    whether ``tokens`` are needed.
    """

    def __init__(self, *, tokens: bool, **options: Any) -> None:
        super().__init__(**options)
        self._tokens = tokens

    def openapi(self) -> dict[str, Any]:
        """The document of /openapi.json."""
        if self.openapi_schema is None:
            self.openapi_schema = self._completed(super().openapi())
        return self.openapi_schema

    def _completed(self, document: dict[str, Any]) -> dict[str, Any]:
        components = document["components"]
        schema = adapter(WebhookEvent).json_schema(mode="serialization", ref_template=SCHEMAS + "{model}")
        components["schemas"] |= {**schema.pop("$defs"), WebhookEvent.__name__: schema}
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "See `lfr people add`."}
        }
        document["webhooks"] = {kind: {"post": _webhook(kind, text)} for kind, text in KINDS.items()}
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                guarded = self._tokens and not (is_open(path) and method == "get")
                operation["security"] = [{"token": []}] if guarded else []
        return document


def _webhook(kind: str, text: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": SCHEMAS + WebhookEvent.__name__}}}
    return {
        "summary": text,
        "operationId": f"webhook_{kind}",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": about, "schema": {"type": "string"}}
            for name, about in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "2XX": {"description": "It is acknowledged."},
            "410": {"description": "Send nothing more."},
            "429": {"description": "Try again; Retry-After is honoured."},
        },
    }


def methods_at(app: FastAPI, path: str) -> list[str]:
    """Every method that an address takes."""
    found: set[str] = set()
    for template, methods in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
            found |= {method.upper() for method in methods}
    return sorted(found)


async def known_parameters(request: Request) -> None:
    """RequestValidationError where a query parameter is not known: no filter that is misspelt is passed over."""
    known = {one.alias for one in request.scope["route"].dependant.query_params}
    strange = set(request.query_params) - known
    if strange:
        allowed = {"expected": ", ".join(sorted(known)) or "no parameter"}
        faults = [{"loc": ("query", name[:40]), "msg": "no such parameter", "ctx": allowed} for name in sorted(strange)]
        raise RequestValidationError(faults)
