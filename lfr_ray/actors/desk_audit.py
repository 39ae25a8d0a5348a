"""What the alert desk tells of the site's account, and does with its deployment: proposes, opens and closes it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lfr_ray.actors.open_with_backoff import Opening
from lfr_ray.api.site_state import (
    ClosedDeployment,
    Hour,
    LedgerPage,
    LedgerVerdict,
    OpenedDeployment,
    ProposedAuthority,
    RecordSoFar,
)
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError, NotFoundError

if TYPE_CHECKING:
    from lfr_ray.govern.signed_authority import Grant


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
                opened.schedule.record_stranger("desk", method, soon=True)  # in the event loop

    async def record_so_far(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""
        return await asyncio.to_thread(_record_so_far, self._site)

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""
        from lfr_ray.govern.ledger_verify import verify_ledger
        from lfr_ray.govern.trust_file import trusted_keys

        folder = DataDir(self._site.data_dir)
        found = await asyncio.to_thread(verify_ledger, folder, trusted_keys(folder))
        return LedgerVerdict(found.holds, tuple(found.faults), found.records, found.sealed, found.head)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""
        from lfr_ray.site.public_record_so_far import ledger_records

        folder = DataDir(self._site.data_dir)
        found = await asyncio.to_thread(ledger_records, folder, kind, text, since, before, limit)
        return LedgerPage(tuple(found), found[-1]["n"] if len(found) == limit else None)

    async def propose(self, asked: Mapping[str, Any]) -> ProposedAuthority:
        """What an officer would sign."""
        from lfr_ray.site.open_deployment import propose

        return ProposedAuthority((await asyncio.to_thread(propose, self._site, asked, time.time())).content())

    async def take_in(self, authority: Mapping[str, Any], signature: Mapping[str, Any], *, by: str) -> OpenedDeployment:
        """Open the site's deployment by an authority that was signed elsewhere."""
        from lfr_ray.site.open_deployment import take_in

        return _opened(await asyncio.to_thread(take_in, self._site, authority, signature, by=by))

    async def open_own(self, *, hours: float | None, consents: Mapping[str, float], by: str) -> OpenedDeployment:
        """Open the site's test or trial."""
        from lfr_ray.site.open_deployment import open_own

        agreed, now_s = consents or None, time.time()
        return _opened(await asyncio.to_thread(open_own, self._site, hours=hours, consents=agreed, by=by, now_s=now_s))

    async def close_own(self, deployment: str, *, by: str, reason: str) -> ClosedDeployment:
        """Close the site's deployment and destroy what it held."""
        return await asyncio.to_thread(_closed, self._site, deployment, by, reason)


def _opened(grant: Grant) -> OpenedDeployment:
    one = grant.authority
    return OpenedDeployment(one.deployment, one.kind, one.starts_at, one.ends_at)


def _closed(site: SiteConfig, deployment: str, by: str, reason: str) -> ClosedDeployment:
    from lfr_ray.actors.node_leftover_scan import searching
    from lfr_ray.site.close_deployment import close_deployment
    from lfr_ray.site.open_site import open_storage

    if not deployment or deployment != site.authority.deployment:
        raise NotFoundError("this site serves no such deployment", got=deployment)
    with open_storage(site) as storage:
        everywhere = replace(storage, elsewhere=searching(site))
        signed = close_deployment(everywhere, deployment, by=by, reason=reason)
    found, destroyed = signed.receipt, {part.label: part.counts for part in signed.receipt.parts}
    left = sum(part.found_after for part in found.parts)
    return ClosedDeployment(deployment, signed.sha256, destroyed, left, found.scanned_files, found.held, found.notes)


def _record_so_far(site: SiteConfig) -> RecordSoFar:
    from lfr_ray.site.open_site import open_storage
    from lfr_ray.site.public_record_so_far import record_so_far

    with open_storage(site) as storage:
        record, hours = record_so_far(storage, site, time.time())
    return RecordSoFar(record, tuple(Hour(*one) for one in hours))
