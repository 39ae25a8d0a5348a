"""A second person's approval: it freezes the list, because it names the hash of its content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from lfr_ray.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved which content, and when.

    Attributes:
        approved_at: Wall time, seconds since 1970 UTC.
        content_hash: Hash of the list as it was approved.
        imported_by: Who made the list: neither of them may approve it.
        signature: The approver's over content and makers, as JSON; None: nobody's, which is enough for tests alone.
    """

    approved_by: str
    approved_at: float
    content_hash: str
    imported_by: tuple[str, ...] = ()
    signature: dict[str, Any] | None = None


_FILE = TypeAdapter(Approval)

Sign = Callable[[dict[str, Any]], dict[str, Any]]
"""Signs the content and its makers, and gives the signature as JSON."""


def parse_approval(data: bytes | None) -> Approval | None:
    """The approval in a file's content; None when there is none.

    Raises:
        IntegrityError: The file is damaged.
    """
    if data is None:
        return None
    try:
        return _FILE.validate_json(data)
    except ValidationError:
        raise IntegrityError(
            "the watchlist's approval cannot be read",
            got="approval.json",
            next_step="have the list approved again: `lfr watchlist approve`",
        ) from None


def approval_bytes(approval: Approval) -> bytes:
    """The content of an approval's file."""
    return _FILE.dump_json(approval)
