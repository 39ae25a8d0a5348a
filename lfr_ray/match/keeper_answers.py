"""What keepers of the watchlist are told of it, and of a picture that they check: no vector, no similarity."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from lfr_ray.match.watchlist_entries import Entry
from lfr_ray.records import CLOSED, Moment

MOST_LISTED = 200

Change = Literal["", "added", "changed", "removed"]
"""What waits of an entry."""


@dataclass(frozen=True, config=CLOSED)
class FaceFound:
    """One face of a picture."""

    number: Annotated[int, Field(description="Counted from 1, left to right.")]
    box: Annotated[
        tuple[float, float, float, float], Field(description="Left, top, right, bottom as shares of the sides.")
    ]
    size_px: Annotated[float, Field(description="Square root of its area in the picture.")]


@dataclass(frozen=True, config=CLOSED)
class PictureCheck:
    """What would become of a picture. Nothing of it is kept."""

    width_px: int
    height_px: int
    faces: Annotated[tuple[FaceFound, ...], Field(description="Left to right.")]
    chosen: Annotated[int | None, Field(description="Number of the face that would be enrolled; null: none.")]
    usable: Annotated[bool, Field(description="It would be taken.")]
    reason: Annotated[str, Field(description="Why it would not be taken; empty when it would.")]
    note: Annotated[str, Field(description="Which of several faces was chosen, and why.")]
    quality: Annotated[float | None, Field(description="0 to 1, of the chosen face; null where it is too poor.")]
    alike: Annotated[
        tuple[str, ...], Field(description="Ids of entries that seem to be this very person, by a strict threshold.")
    ]
    alike_checked: Annotated[
        bool, Field(description="False: the model cannot tell whether two pictures show one person.")
    ]


@dataclass(frozen=True, config=CLOSED)
class ListedEntry:
    """One entry of the list as it would be once what waits is approved."""

    entry_id: str
    name: str
    category: str
    action: str
    legal_basis: str
    image_source: str
    authorised_by: str
    priority: int
    under_18: bool
    expires_at: Moment | None
    in_force: Annotated[bool, Field(description="Its time is not over.")]
    pictures: int
    quality: Annotated[float, Field(description="Of its best picture, 0 to 1.")]
    imported_by: Annotated[tuple[str, ...], Field(description="Who added or changed it.")]
    waits: Annotated[Change, Field(description="What waits for approval: added, changed, removed; empty: nothing.")]


@dataclass(frozen=True, config=CLOSED)
class ListPage:
    """Entries by id."""

    entries: tuple[ListedEntry, ...]
    after: Annotated[str | None, Field(description="Ask for those after this id; null after the last.")]
    found: Annotated[int, Field(description="Entries that the filters leave, on all pages.")]
    waiting: Annotated[int, Field(description="Entries of which something waits for approval.")]
    at_once: Annotated[bool, Field(description="Nobody approves this list: changes count at once.")]
    until_start: Annotated[
        bool, Field(description="The site's file names a folder: at the next start only that is on the list.")
    ]
    approved_by: Annotated[str, Field(description="Who approved the list that is compared with; empty: nobody.")]
    approved_at: Moment | None


@dataclass(frozen=True, config=CLOSED)
class ListProposal:
    """The list as it would be once what waits is approved: what an approver signs, and how much waits."""

    content_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    imported_by: Annotated[tuple[str, ...], Field(description="Who made it, sorted; none of them may approve it.")]
    waiting: Annotated[int, Field(description="Entries of which something waits.")]

    @property
    def document(self) -> dict[str, Any]:
        """What is signed."""
        return {"content_hash": self.content_hash, "imported_by": list(self.imported_by)}


@dataclass(frozen=True, config=CLOSED)
class ListApproval:
    """The list is approved."""

    approved_by: str
    approved_at: Moment
    content_hash: str
    taken_up: Annotated[int, Field(description="Entries that were added, changed or removed with it.")]


@dataclass(frozen=True, config=CLOSED)
class ListQuery:
    """Which entries.

    Attributes:
        text: Part of an id or name, in any case.
        after: Those after this id.
    """

    text: str = ""
    category: str = ""
    after: str = ""
    limit: int = 50

    def takes(self, entry: Entry) -> bool:
        """The filters leave it."""
        text = self.text.casefold()
        alike = text in entry.entry_id.casefold() or text in entry.name.casefold()
        return alike and self.category in ("", entry.category)
