"""Who asks over HTTP: a proven person, or a service, and what they may."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "officer", "supervisor", "auditor", "administrator", "importer", "metrics", "events"]
"""viewer: looks at alerts. officer: decides, too. supervisor: lifts a stop, too. auditor: looks and changes nothing.
administrator: looks after the site and sees no alert. importer: looks after the watchlist and sees no alert.
metrics, events: services; numbers without names, alerts without pictures."""

ROLES: tuple[Role, ...] = get_args(Role)
SERVICES: frozenset[Role] = frozenset({"metrics", "events"})
PEOPLE: tuple[Role, ...] = tuple(role for role in ROLES if role not in SERVICES)

EVERYTHING = "*"
"""In place of the officer who looks at alerts: the site itself, or an auditor, to whom all figures are shown."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who sent a request, proven.

    Attributes:
        id: Staff number or login, as it was given out; of a service, its name.
        roles: One, but for the built-in officer of a test, who may do everything that people may.
    """

    id: str
    roles: frozenset[Role]


UNPROVEN = "typed:"
"""Before the id of somebody who proved nothing."""


def folded(person_id: str) -> str:
    """The id as ids are compared: two spellings of one person are one person.

    >>> folded("PC1") == folded("pc1") == folded("ＰＣ１")
    True
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", person_id).casefold())
    return " ".join(plain.removeprefix(UNPROVEN).split())


def same_person(one: str, other: str) -> bool:
    """Two ids are of one person, however they are written, proven or not."""
    return folded(one) == folded(other)
