"""The account of a site as the HTTP routes see it: the alert desk, which has the ledger."""

from __future__ import annotations

from lfr_ray.actors.names import Names, alive
from lfr_ray.actors.protocols import DeskCalls
from lfr_ray.actors.rpc import Handle
from lfr_ray.api.site_state import LedgerPage, LedgerVerdict, RecordSoFar


class RemoteAccount:
    """What is asked of the desk besides alerts."""

    _names: Names

    async def record(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""
        return await self._desk().ask(DeskCalls.record_so_far)

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""
        return await self._desk().ask(DeskCalls.ledger_verdict)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""
        return await self._desk().ask(DeskCalls.ledger, kind=kind, text=text, since=since, before=before, limit=limit)

    def _desk(self) -> Handle[DeskCalls]:
        return alive(self._names.find_desk(), "the alert desk")
