"""What every record that is a document outside is made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from lfr_ray.clock import parse_utc, utc_text

CLOSED = ConfigDict(
    extra="forbid", validate_by_name=True, validate_by_alias=True, json_schema_serialization_defaults_required=True
)
"""Of every record that is a document outside: a field that is not described is an error."""

Moment = Annotated[
    float,
    BeforeValidator(lambda value: parse_utc(value) if isinstance(value, str) else value),
    PlainSerializer(utc_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "ISO 8601 in UTC"}),
]
"""Wall time, seconds since 1970 UTC. In a document it is text."""

Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]
"""What the ledger and the event stream keep of a step: no picture, no name, no note."""


def is_none(value: object) -> bool:
    """For a field's ``exclude_if``: it is left out of the document while it is not known."""
    return value is None
