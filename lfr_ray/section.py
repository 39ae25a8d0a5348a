"""Closed, typed trees of described fields, read from YAML and JSON: sites, model cards, authorities, receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lfr_ray.errors import ConfigError

T = TypeVar("T", bound=BaseModel)


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values never change.

    A subclass may have ``RENAMED_KEYS``: keys of older files, by their path, and what they are called now; and
    ``REMOVED_KEYS``: those that are no more, and why.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_section(kind: type[T], data: Any, where: str) -> T:
    """Validate plain data into a section.

    Args:
        kind: The section's class.
        data: What YAML or JSON gave.
        where: What the data is called in the message, a file name mostly.

    Raises:
        ConfigError: One line for every field that is wrong: path, reason; input values are not shown,
            because a URL may hold credentials.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise ConfigError(
            f"{where} is not valid",
            got="; ".join(f"{_path(fault) or kind.__name__}: {fault['msg']}" for fault in faults),
            allowed=_allowed(kind, faults),
            next_step=_renamed(kind, faults) or "correct the field that is named and start again",
        ) from None


def load_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigError: It is missing, unreadable or no YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
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
        section: Any = kind
        for part in fault["loc"][:-1]:
            if isinstance(part, int):
                continue
            section = _section_of(section.model_fields[part].annotation)
        return f"keys {', '.join(section.model_fields)}"
    return ""


def _section_of(annotation: Any) -> Any:
    """The section class inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section_of(inner)
        if found is not None:
            return found
    return None
