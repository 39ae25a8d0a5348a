"""A second person's approval: it freezes the list, because it names the hash of its content."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

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
        known = json.loads(data)
        return Approval(
            str(known["approved_by"]),
            float(known["approved_at"]),
            str(known["content_hash"]),
            tuple(map(str, known.get("imported_by", ()))),
            known.get("signature"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(
            "the watchlist's approval cannot be read",
            got="approval.json",
            next_step="have the list approved again: `lfr watchlist approve`",
        ) from None


def approval_bytes(approval: Approval) -> bytes:
    """The content of an approval's file."""
    return json.dumps(asdict(approval)).encode()
