"""One description of each field, from which columns, documents and schemas are derived.

A record's fields carry an :class:`About` in their metadata. A field that is a *part* adds its own fields to those of
the whole, so that a record of several parts is one flat document and one flat row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Moment = Annotated[float, "ISO 8601 in UTC outside this program"]
"""Wall time, seconds since 1970 UTC. In a document it is text."""

_KEY = "about"
Whole = TypeVar("Whole")


@dataclass(frozen=True, slots=True)
class Recoded:
    """A value that is another one in a document.

    Attributes:
        kind: Its type in the document.
        write: Makes the document's value.
        read: Makes the record's value again.
    """

    kind: Any
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a field besides its type.

    Attributes:
        description: For the schema of the document.
        json: Name in the document; empty: the field's own.
        column: Name in the database; empty: the field's own.
        text: Most characters that the database keeps; 0: any number.
        unique: No two rows have the same value.
        part: Its fields are fields of the whole.
        columns: Its fields are columns, but one object in the document.
        stored: It is kept in the database; otherwise it is worked out when the record is read, and has a default.
        omit: It is left out of the document while it is None.
        recoded: The document holds another value.
    """

    description: str = ""
    json: str = ""
    column: str = ""
    text: int = 0
    unique: bool = False
    part: bool = False
    columns: bool = False
    stored: bool = True
    omit: bool = False
    recoded: Recoded | None = None


def about(description: str = "", **more: Any) -> Mapping[str, About]:
    """The metadata of a field; ``more`` is what :class:`About` has."""
    return {_KEY: About(description, **more)}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of a record, or of one of its parts.

    Attributes:
        path: Names of the attributes from the whole to the value.
        kind: The type without ``None``.
        optional: It may be None.
        default: Its default, or ``dataclasses.MISSING``.
    """

    path: tuple[str, ...]
    kind: Any
    optional: bool
    default: Any
    about: About

    @property
    def json(self) -> str:
        """Name in the document."""
        return self.about.json or self.path[-1]

    @property
    def column(self) -> str:
        """Name in the database."""
        return self.about.column or self.path[-1]

    def of(self, whole: object) -> Any:
        """The value in a record."""
        for name in self.path:
            whole = getattr(whole, name)
        return whole


@cache
def leaves(kind: type) -> tuple[Leaf, ...]:
    """Every field of a record and of its parts, in their order."""
    return tuple(leaf for one in _own(kind) for leaf in _opened(one))


def build(kind: type[Whole], take: Callable[[Leaf], Any]) -> Whole:
    """A record, each of whose fields ``take`` finds; where it answers ``MISSING`` the default stands."""
    values, own = {}, _own(cast(type, kind))
    for leaf in own:
        value = build(leaf.kind, take) if leaf.about.part else take(leaf)
        if value is not MISSING:
            values[leaf.path[0]] = value
    return kind(**values)


def is_record(kind: Any) -> bool:
    """The type is a record's, and not a single value's."""
    return isinstance(kind, type) and is_dataclass(kind)


def part_of(kind: type[Whole], source: object) -> Whole:
    """A part whose stored fields stand under the same names in another record."""

    def take(leaf: Leaf) -> Any:
        if not leaf.about.stored:
            return MISSING
        value = getattr(source, leaf.path[0])
        return part_of(leaf.kind, value) if is_record(leaf.kind) and not isinstance(value, leaf.kind) else value

    return build(kind, take)


@cache
def _own(kind: type) -> tuple[Leaf, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_leaf(one, hints[one.name]) for one in fields(kind))


def _leaf(one: dataclasses.Field[Any], hint: Any) -> Leaf:
    optional = get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)
    kind = next(inner for inner in get_args(hint) if inner is not NoneType) if optional else hint
    return Leaf((one.name,), kind, optional, one.default, one.metadata.get(_KEY, About()))


def _opened(leaf: Leaf) -> tuple[Leaf, ...]:
    if not leaf.about.part:
        return (leaf,)
    return tuple(dataclasses.replace(inner, path=(*leaf.path, *inner.path)) for inner in leaves(leaf.kind))
