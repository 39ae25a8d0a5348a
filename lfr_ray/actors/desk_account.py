"""What the alert desk tells of the site's account: the record so far, and its ledger."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from lfr_ray.actors.open_with_backoff import Opening
from lfr_ray.api.site_state import Hour, LedgerPage, LedgerVerdict, RecordSoFar
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError


class DeskAccount:
    """Reads what is on record, in threads of its own, beside everything else that the desk does."""

    _site: SiteConfig
    _opening: Opening[Any]

    async def record_stranger(self, process: str, method: str) -> bool:
        """On record before it answers: somebody without the capability called a method of one of the processes."""
        await asyncio.to_thread(self._opening.get().schedule.record_stranger, process, method)
        return True

    def tell_stranger(self, method: str) -> None:
        """The same of the desk itself. Nothing is opened for that."""
        if (opened := self._opening.opened) is not None:
            with contextlib.suppress(LfrError):
                opened.schedule.record_stranger("desk", method)

    async def record_so_far(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""
        return await asyncio.to_thread(_record_so_far, self._site)

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""
        from lfr_ray.govern.ledger_verify import verify_ledger
        from lfr_ray.govern.trust import trusted_keys

        folder = DataDir(self._site.data_dir)
        found = await asyncio.to_thread(verify_ledger, folder, trusted_keys(folder))
        return LedgerVerdict(found.holds, tuple(found.faults), found.records, found.sealed, found.head)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""
        from lfr_ray.site.account import LedgerQuery, ledger_records

        query = LedgerQuery(kind, text, since, before, limit)
        found = await asyncio.to_thread(ledger_records, DataDir(self._site.data_dir), query)
        return LedgerPage(tuple(found), found[-1]["n"] if len(found) == limit else None)


def _record_so_far(site: SiteConfig) -> RecordSoFar:
    from lfr_ray.site.account import record_so_far
    from lfr_ray.site.open import open_storage

    with open_storage(site) as storage:
        record, hours = record_so_far(storage, site, time.time())
    return RecordSoFar(record, tuple(Hour(*one) for one in hours))
