"""A real watchlist and its keeper, with painted faces, for tests of HTTP."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lfr_ray.api.alert_and_site_ports import ListPort
from lfr_ray.errors import AuthorityError
from lfr_ray.govern.ledger_event import Event, check_event

if TYPE_CHECKING:
    from lfr_ray.enrol.watchlist_keeper import ListKeeper
    from lfr_ray.govern.signing_keys import SigningKey
    from lfr_ray.match.keeper_answers import ListApproval, ListedEntry, ListPage, ListProposal, ListQuery, PictureCheck


class ListedSite(ListPort):
    """What a site answers of its watchlist. It is opened with the first question: most tests ask none."""

    detector: Any = None
    """Finds the faces; None: the painted ones."""

    @cached_property
    def list_events(self) -> list[Event]:
        """What would be in the ledger."""
        return []

    @cached_property
    def keeper(self) -> ListKeeper:
        from lfr_ray.enrol.watchlist_keeper import ListKeeper
        from lfr_ray.match.watchlist_draft import ListDraft
        from lfr_ray.match.watchlist_store import WatchlistStore
        from tests.painted import FixedDetector, PaintEmbedder

        folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        embedders: Any = [PaintEmbedder()]
        draft = ListDraft(WatchlistStore(folder / "list"), WatchlistStore(folder / "waiting"))
        return ListKeeper(
            self.detector or FixedDetector(), embedders, draft=draft, record=self._record, approver=self._approver
        )

    @cached_property
    def approver_key(self) -> SigningKey:
        """With whose signature the list is approved: app1's."""
        from lfr_ray.govern.signing_keys import SigningKey

        return SigningKey.create()

    def _approver(self, document: dict[str, Any], signature: Mapping[str, Any]) -> tuple[str, float]:
        from lfr_ray.govern.authority import APPROVE
        from lfr_ray.govern.signing_keys import Signature, signature_fault

        given, key = Signature.model_validate(signature), self.approver_key
        fault = signature_fault(APPROVE, document, given, {key.id: key.described("app1", role="approver")}, "approver")
        if fault:
            raise AuthorityError("the approval does not hold", got=fault)
        return "app1", given.at

    def _record(self, event: Event) -> None:
        check_event(event)
        self.list_events.append(event)

    async def check_picture(self, picture: bytes, *, face: int | None, by: str, reason: str) -> PictureCheck:
        return await self.keeper.check_picture(picture, face=face, by=by, reason=reason)

    async def list_entries(self, query: ListQuery, *, by: str, reason: str) -> ListPage:
        return await self.keeper.list_entries(query, by=by, reason=reason)

    async def add_entry(
        self, cells: Mapping[str, str], picture: bytes, *, face: int | None, by: str, same_person: bool = False
    ) -> ListedEntry:
        return await self.keeper.add_entry(cells, picture, face=face, by=by, same_person=same_person)

    async def add_picture(self, entry_id: str, picture: bytes, *, face: int | None, by: str) -> ListedEntry:
        return await self.keeper.add_picture(entry_id, picture, face=face, by=by)

    async def change_entry(self, entry_id: str, changes: Mapping[str, Any], *, by: str, reason: str) -> ListedEntry:
        return await self.keeper.change_entry(entry_id, changes, by=by, reason=reason)

    async def remove_entry(self, entry_id: str, *, by: str, reason: str) -> None:
        await self.keeper.remove_entry(entry_id, by=by, reason=reason)

    async def take_back(self, entry_id: str, *, by: str) -> None:
        await self.keeper.take_back(entry_id, by=by)

    async def proposal(self) -> ListProposal:
        return await self.keeper.proposal()

    async def approve(self, content_hash: str, signature: Mapping[str, Any], *, by: str) -> ListApproval:
        return await self.keeper.approve(content_hash, signature, by=by)
