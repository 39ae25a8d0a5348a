"""What the routes of the watchlist need: its keeper, wherever that works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lfr_ray.match.listed import ListApproval, ListedEntry, ListPage, ListProposal, ListQuery, PictureCheck


class ListPort(Protocol):
    """The watchlist, entry by entry; see :class:`lfr_ray.enrol.keeper.ListKeeper`."""

    async def check_picture(self, picture: bytes, *, face: int | None, by: str, reason: str) -> PictureCheck:
        """What would become of a picture; nothing of it is kept."""

    async def list_entries(self, query: ListQuery, *, by: str, reason: str) -> ListPage:
        """Entries, page by page."""

    async def add_entry(
        self, cells: Mapping[str, str], picture: bytes, *, face: int | None, by: str, same_person: bool = False
    ) -> ListedEntry:
        """Put somebody on the list."""

    async def add_picture(self, entry_id: str, picture: bytes, *, face: int | None, by: str) -> ListedEntry:
        """Add a picture to an entry."""

    async def change_entry(self, entry_id: str, changes: Mapping[str, Any], *, by: str, reason: str) -> ListedEntry:
        """Say something else of an entry."""

    async def remove_entry(self, entry_id: str, *, by: str, reason: str) -> None:
        """Take somebody off the list."""

    async def take_back(self, entry_id: str, *, by: str) -> None:
        """Erase what waits of an entry."""

    async def proposal(self) -> ListProposal:
        """What an approver would sign."""

    async def approve(self, content_hash: str, signature: Mapping[str, Any], *, by: str) -> ListApproval:
        """Freeze the list by an approver's signature."""
