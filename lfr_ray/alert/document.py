"""Records as the JSON documents that programs and the console read, back again, and their schemas.

Names, order, descriptions and omissions come from the records' own fields (:mod:`lfr_ray.records.parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.errors import InputError
from lfr_ray.records.parts import Leaf, Moment, build, is_record, leaves

Record = TypeVar("Record")


class Document(BaseModel):
    """Base of every document that goes out: a field that is not described is an error."""

    model_config = ConfigDict(extra="forbid")


def to_json(record: object) -> dict[str, object]:
    """The whole document of a record; picture bytes are never in it, only their addresses."""
    document: dict[str, object] = {}
    kind: type = type(record)
    for leaf in leaves(kind):
        value, recoded = leaf.of(record), leaf.about.recoded
        if value is not None:
            document[leaf.json] = (recoded.write if recoded else _writer(leaf.kind))(value)
        elif not leaf.about.omit:
            document[leaf.json] = None
    return document


def from_json(kind: type[Record], document: object) -> Record:
    """The record that a document tells of; fields that this version does not know are passed over.

    Raises:
        InputError: It is no document of this kind.
    """
    try:
        return _read(kind, document)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"this is no document of the kind {kind.__name__}",
            got=type(error).__name__,
            allowed="what /openapi.json describes",
        ) from None


@cache
def model_of(kind: type) -> type[Document]:
    """The schema of a record's documents, for OpenAPI and for the check of every answer."""
    fields: dict[str, Any] = {leaf.json: _field(leaf) for leaf in leaves(kind)}
    summary = (kind.__doc__ or "").partition("\n\n")[0]
    return create_model(kind.__name__, __base__=Document, __doc__=summary, __module__=__name__, **fields)


@cache
def _writer(kind: Any) -> Callable[[Any], object]:
    """What makes the document's value of one of this type."""
    if kind == Moment:
        return utc_text
    if is_record(kind):
        return to_json
    if get_origin(kind) is tuple:
        write = _writer(get_args(kind)[0])
        return lambda values: [write(one) for one in values]
    return dict if get_origin(kind) is Mapping else _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _read(kind: type[Record], document: Any) -> Record:
    def take(leaf: Leaf) -> Any:
        if leaf.json not in document and leaf.default is not MISSING:
            return MISSING
        if leaf.about.omit and leaf.json not in document:
            return None
        value, recoded = document[leaf.json], leaf.about.recoded
        if value is None and leaf.optional:
            return None
        return _value(leaf.kind, value) if recoded is None else recoded.read(value)

    return build(kind, take)


def _value(kind: Any, value: Any) -> Any:
    if kind == Moment:
        return parse_utc(value)
    if is_record(kind):
        return _read(kind, value)
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], one) for one in value)
    allowed = (int, float) if kind is float else get_origin(kind) or kind
    if not isinstance(value, allowed):
        raise TypeError
    return value


def _field(leaf: Leaf) -> tuple[Any, Any]:
    kind = _json_kind(leaf.kind) if leaf.about.recoded is None else leaf.about.recoded.kind
    default: Any = None if leaf.about.omit else ...
    return kind | None if leaf.optional else kind, Field(default, description=leaf.about.description or None)


def _json_kind(kind: Any) -> Any:
    if kind == Moment:
        return str
    if is_record(kind):
        return model_of(kind)
    if get_origin(kind) is tuple:
        return list[_json_kind(get_args(kind)[0])]  # type: ignore[misc]
    return kind
