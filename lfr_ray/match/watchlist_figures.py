"""The list in force as numbers: what may be told of it to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ListState:
    """The list in force, in numbers.

    Attributes:
        entries: Entries in force at the moment of asking.
        expired: Entries that are stored but no longer compared.
        content_hash: Hash of the stored content.
        approved: A second person approved exactly this content.
        fault: Empty, or why nothing can be compared.
        categories: Entries in force by category.
        false_alerts_per_10k_faces: To be expected at this threshold and size; None where the card cannot tell.
    """

    entries: int
    expired: int
    images: int
    content_hash: str
    approved: bool
    model: str
    threshold: float
    view_threshold: float
    fault: str
    categories: Mapping[str, int] = field(default_factory=dict)
    false_alerts_per_10k_faces: float | None = None
