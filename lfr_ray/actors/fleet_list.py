"""The keeper of the watchlist in the fleet's process, which reaches the models: made with the first question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lfr_ray.actors.remote_models import RemoteDetector, RemoteEmbedder
from lfr_ray.config import SiteConfig

if TYPE_CHECKING:
    from lfr_ray.enrol.keeper import ListKeeper
    from lfr_ray.match.listed import ListApproval, ListedEntry, ListPage, ListProposal, ListQuery, PictureCheck


class FleetList:
    """Hands questions of the watchlist on to :class:`~lfr_ray.enrol.keeper.ListKeeper`."""

    _site: SiteConfig
    _enrolling: tuple[RemoteDetector, Sequence[RemoteEmbedder]]

    async def check_picture(self, picture: bytes, *, face: int | None, by: str, reason: str) -> PictureCheck:
        """What would become of a picture; nothing of it is kept."""
        return await self._keeper_of_list.check_picture(picture, face=face, by=by, reason=reason)

    async def list_entries(self, query: ListQuery, *, by: str, reason: str) -> ListPage:
        """Entries, page by page."""
        return await self._keeper_of_list.list_entries(query, by=by, reason=reason)

    async def add_entry(
        self, cells: Mapping[str, str], picture: bytes, *, face: int | None, by: str, same_person: bool = False
    ) -> ListedEntry:
        """Put somebody on the list."""
        return await self._keeper_of_list.add_entry(cells, picture, face=face, by=by, same_person=same_person)

    async def add_picture(self, entry_id: str, picture: bytes, *, face: int | None, by: str) -> ListedEntry:
        """Add a picture to an entry."""
        return await self._keeper_of_list.add_picture(entry_id, picture, face=face, by=by)

    async def change_entry(self, entry_id: str, changes: Mapping[str, Any], *, by: str, reason: str) -> ListedEntry:
        """Say something else of an entry."""
        return await self._keeper_of_list.change_entry(entry_id, changes, by=by, reason=reason)

    async def remove_entry(self, entry_id: str, *, by: str, reason: str) -> None:
        """Take somebody off the list."""
        await self._keeper_of_list.remove_entry(entry_id, by=by, reason=reason)

    async def take_back(self, entry_id: str, *, by: str) -> None:
        """Erase what waits of an entry."""
        await self._keeper_of_list.take_back(entry_id, by=by)

    async def proposal(self) -> ListProposal:
        """What an approver would sign."""
        return await self._keeper_of_list.proposal()

    async def approve(self, content_hash: str, signature: Mapping[str, Any], *, by: str) -> ListApproval:
        """Freeze the list by an approver's signature."""
        return await self._keeper_of_list.approve(content_hash, signature, by=by)

    @cached_property
    def _keeper_of_list(self) -> ListKeeper:
        from lfr_ray.enrol.keeper import ListKeeper
        from lfr_ray.site.open import list_rules

        return ListKeeper(*self._enrolling, **list_rules(self._site))
