"""Records as the JSON documents that programs and the console read, and back again."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from lfr_ray.errors import InputError

Record = TypeVar("Record")


def to_json(record: object) -> dict[str, object]:
    """The whole document of a record; picture bytes are never in it, only their addresses."""
    kind: type = type(record)
    document: dict[str, object] = adapter(kind).dump_python(record, mode="json", by_alias=True)
    return document


def from_json(kind: type[Record], document: object) -> Record:
    """The record that a document tells of, without fields that are not known. InputError: it is of another kind."""
    try:
        read: Record = adapter(cast(type, kind)).validate_python(document, extra="ignore")
    except ValidationError as error:
        raise InputError(
            f"this is no document of the kind {kind.__name__}",
            got=f"{error.error_count()} faults",
            allowed="what /openapi.json describes",
        ) from None
    return read


@cache
def adapter(kind: type) -> TypeAdapter[Any]:
    """What checks and writes records of a kind."""
    return TypeAdapter(kind)
