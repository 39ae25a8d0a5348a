"""The watchlist as the HTTP routes see it: its keeper, in the fleet's process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lfr_ray.actors.protocols import FleetCalls
from lfr_ray.actors.rpc import Handle
from lfr_ray.match.listed import ListApproval, ListedEntry, ListPage, ListProposal, ListQuery, PictureCheck

ANSWER_S = 60.0
"""A large list is rewritten in this time; beyond it the fleet does not answer."""


class RemoteList:
    """What is asked of the fleet besides the site's state."""

    _fleet: Handle[FleetCalls]

    async def check_picture(self, picture: bytes, *, face: int | None, by: str, reason: str) -> PictureCheck:
        """What would become of a picture; nothing of it is kept."""
        return await self._list.ask(FleetCalls.check_picture, picture, face=face, by=by, reason=reason)

    async def list_entries(self, query: ListQuery, *, by: str, reason: str) -> ListPage:
        """Entries, page by page."""
        return await self._list.ask(FleetCalls.list_entries, query, by=by, reason=reason)

    async def add_entry(
        self, cells: Mapping[str, str], picture: bytes, *, face: int | None, by: str, same_person: bool = False
    ) -> ListedEntry:
        """Put somebody on the list."""
        return await self._list.ask(FleetCalls.add_entry, cells, picture, face=face, by=by, same_person=same_person)

    async def add_picture(self, entry_id: str, picture: bytes, *, face: int | None, by: str) -> ListedEntry:
        """Add a picture to an entry."""
        return await self._list.ask(FleetCalls.add_picture, entry_id, picture, face=face, by=by)

    async def change_entry(self, entry_id: str, changes: Mapping[str, Any], *, by: str, reason: str) -> ListedEntry:
        """Say something else of an entry."""
        return await self._list.ask(FleetCalls.change_entry, entry_id, changes, by=by, reason=reason)

    async def remove_entry(self, entry_id: str, *, by: str, reason: str) -> None:
        """Take somebody off the list."""
        await self._list.ask(FleetCalls.remove_entry, entry_id, by=by, reason=reason)

    async def take_back(self, entry_id: str, *, by: str) -> None:
        """Erase what waits of an entry."""
        await self._list.ask(FleetCalls.take_back, entry_id, by=by)

    async def proposal(self) -> ListProposal:
        """What an approver would sign."""
        return await self._list.ask(FleetCalls.proposal)

    async def approve(self, content_hash: str, signature: Mapping[str, Any], *, by: str) -> ListApproval:
        """Freeze the list by an approver's signature."""
        return await self._list.ask(FleetCalls.approve, content_hash, signature, by=by)

    @property
    def _list(self) -> Handle[FleetCalls]:
        return self._fleet.limited(ANSWER_S)
