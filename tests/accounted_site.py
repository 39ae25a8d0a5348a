"""What a site without cameras, cluster and ledger shows of its account, for tests of HTTP."""

from __future__ import annotations

from lfr_ray.api.site_state import Hour, LedgerPage, LedgerVerdict, Placed, RecordSoFar, SitePlan
from lfr_ray.errors import NotFoundError
from tests.listed_site import ListedSite


class AccountedSite(ListedSite):
    """The same few lines to everybody."""

    async def preview(self, name: str) -> bytes:
        if name != "gate":
            raise NotFoundError("no such camera", got=name)
        return b"\xff\xd8preview\xff\xd9"

    async def plan(self) -> SitePlan:
        return SitePlan(True, {"gate": Placed((0.5, 0.5), 51.8, 1.15)})

    async def plan_picture(self) -> bytes:
        return b"\xff\xd8plan\xff\xd9"

    async def record(self) -> RecordSoFar:
        return RecordSoFar({"deployment": "airshow"}, (Hour(1_700_000_000.0, 40, 1),))

    async def ledger_verdict(self) -> LedgerVerdict:
        return LedgerVerdict(True, (), 3, 3, f"3:{'a' * 64}")

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        return LedgerPage(({"n": 3, "kind": kind or "seal", "what": text},), None)
