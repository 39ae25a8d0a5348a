"""Closed, typed trees of described fields, read from YAML and JSON: sites, model cards, authorities, receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lfr_ray.errors import ConfigError

T = TypeVar("T", bound=BaseModel)


LONGEST_NAME = 64

WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that exists here",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "is not of the form that is allowed",
}
"""What pydantic's faults are called for people, where its own words are not theirs."""

FORMS: dict[str, str] = {}
"""What the patterns of fields mean, in words."""


def form(pattern: str, words: str) -> str:
    """The pattern, with words shown in its place where a value does not fit: a clause, like ``may not hold blanks``."""
    FORMS[pattern] = words
    return pattern


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same in C, where it is there: every process of a site reads twenty cards when it starts."""


def parsed_yaml(text: str) -> Any:
    """Plain values only.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    return yaml.load(text, LOADER)  # noqa: S506 (both loaders are the safe one)


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values never change.

    A subclass may have ``RENAMED_KEYS``: keys of older files, by their path, and what they are called now; and
    ``REMOVED_KEYS``: those that are no more, and why. One that stands in lists may have ``SHOWN_BY``: the field by
    which people know its items. It must be no person's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def content(self) -> dict[str, Any]:
        """Plain JSON values: what is signed, hashed and written."""
        return self.model_dump(mode="json")


def parse_section(kind: type[T], data: Any, where: str, further: Sequence[str] = ()) -> T:
    """Validate plain data, as YAML or JSON gave it, into a section.

    ``where`` is what the data is called in the message, a file name mostly; ``further`` are faults that were found
    otherwise and are told together with those of the fields.

    Raises:
        ConfigError: One line for every field that is wrong: path, reason; input values are not shown,
            because a URL may hold credentials.
    """
    try:
        parsed = kind.model_validate(data)
        faults: list[Any] = []
        if not further:
            return parsed
    except ValidationError as error:
        faults = list(error.errors(include_input=False, include_url=False))
    raise ConfigError(
        f"{where} is not valid",
        got="; ".join(dict.fromkeys([*(_in_words(kind, data, fault) for fault in faults), *further])),
        allowed=_allowed(kind, faults),
        next_step=_renamed(kind, faults) or "correct what is named and start again; nothing was started",
    ) from None


def load_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigError: It is missing, unreadable or no YAML.
    """
    try:
        return parsed_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("the file does not exist", got=path, next_step="check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the file cannot be read", got=f"{path}: {type(error).__name__}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise ConfigError("the file is not YAML", got=f"{path}{line}", allowed="a YAML mapping") from None


def _path(fault: Any) -> str:
    return " -> ".join(map(str, fault["loc"]))


def _in_words(kind: type[BaseModel], data: Any, fault: Any) -> str:
    """One fault as people say it: where, counted from 1, and what."""
    place = _place(kind, data, fault["loc"])
    pattern = fault.get("ctx", {}).get("pattern")
    said = FORMS.get(pattern) or WORDS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        fields = getattr(_section_at(kind, fault["loc"][:-1]), "model_fields", {})
        near = get_close_matches(str(fault["loc"][-1]), fields, n=1)
        said += f" (did you mean {near[0]}?)" if near else ""
    return f"{place}: {said}" if place else said


def _place(kind: type[BaseModel], data: Any, loc: Sequence[int | str]) -> str:
    """A field's path, in which items of a list are counted from 1 and called by their name: ``camera 2 (pier)``."""
    parts: list[str] = []
    for depth, part in enumerate(loc):
        data = _item(data, part)
        if not isinstance(part, int) or not parts:
            parts.append(str(part))
            continue
        called = getattr(_section_at(kind, loc[: depth + 1]), "SHOWN_BY", "")
        parts[-1] = f"{_one_of(parts[-1])} {part + 1}{shown_name(_item(data, called))}"
    return " -> ".join(parts)


def shown_name(name: Any) -> str:
    """A name in brackets, for messages; empty where it is none, or may be an address with a password.

    >>> shown_name("pier/east"), shown_name("rtsp://admin:secret@10.0.0.7/live"), shown_name(None)
    (' (pier/east)', '', '')
    """
    if not isinstance(name, str) or not name or "@" in name or "://" in name:
        return ""
    plain = repr(name)[1:-1]
    return f" ({plain if len(plain) <= LONGEST_NAME else plain[:LONGEST_NAME] + '...'})"


def _one_of(many: str) -> str:
    """One item of a list called ``cameras`` or ``categories``."""
    if many.endswith("ies"):
        return many[:-3] + "y"
    return many[:-1] if many.endswith("s") else many


def _item(data: Any, part: int | str) -> Any:
    if isinstance(data, Mapping):
        return data.get(part)
    if isinstance(data, Sequence) and not isinstance(data, str) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def _renamed(kind: type[BaseModel], faults: Sequence[Any]) -> str:
    """For keys of older versions, what they are called now, or why they were removed; otherwise empty."""
    renamed: Mapping[str, str] = getattr(kind, "RENAMED_KEYS", {})
    removed: Mapping[str, str] = getattr(kind, "REMOVED_KEYS", {})
    old = [_path(fault) for fault in faults if fault["type"] == "extra_forbidden"]
    steps = [f"rename {one} to {renamed[one]}" for one in old if one in renamed]
    return "; ".join(steps + [f"take {one} out: {removed[one]}" for one in old if one in removed])


def _allowed(kind: type[BaseModel], faults: Sequence[Any]) -> str:
    """For unknown keys, the keys that exist at that place."""
    for fault in faults:
        if fault["type"] != "extra_forbidden":
            continue
        section = _section_at(kind, fault["loc"][:-1])
        return f"keys {', '.join(section.model_fields)}" if section is not None else ""
    return ""


def _section_at(kind: type[BaseModel], loc: Sequence[int | str]) -> Any:
    """The section class at a place of the tree, or None."""
    section: Any = kind
    for part in loc:
        if isinstance(part, int):
            continue
        field = getattr(section, "model_fields", {}).get(part)
        section = None if field is None else _section_of(field.annotation)
    return section


def _section_of(annotation: Any) -> Any:
    """The section class inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section_of(inner)
        if found is not None:
            return found
    return None
