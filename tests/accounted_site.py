"""What a site without cameras, cluster and ledger shows of its account, for tests of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from lfr_ray.api.site_state import (
    ClosedDeployment,
    Hour,
    LedgerPage,
    LedgerVerdict,
    OpenedDeployment,
    Placed,
    ProposedAuthority,
    RecordSoFar,
    SitePlan,
)
from lfr_ray.errors import NotFoundError
from lfr_ray.focus_config import CameraFocus
from tests.listed_site import ListedSite


class AccountedSite(ListedSite):
    """The same few lines to everybody."""

    @cached_property
    def focus(self) -> list[tuple[str, CameraFocus, str, str]]:
        """What was set of where cameras look: camera, how, by whom, why."""
        return []

    async def preview(self, name: str) -> bytes:
        if name != "gate":
            raise NotFoundError("no such camera", got=name)
        return b"\xff\xd8preview\xff\xd9"

    async def set_focus(self, name: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        if name != "gate":
            raise NotFoundError("no such camera", got=name)
        self.focus.append((name, focus, by, reason))

    async def take_recording(self, camera: str, video: bytes, *, by: str) -> None:
        if camera != "gate":
            raise NotFoundError("no such camera", got=camera)

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

    async def propose(self, asked: Mapping[str, Any]) -> ProposedAuthority:
        return ProposedAuthority(dict(asked))

    async def take_in(self, authority: Mapping[str, Any], signature: Mapping[str, Any], *, by: str) -> OpenedDeployment:
        return OpenedDeployment("airshow", "live", 1.7e9, 1.8e9)

    async def open_own(self, *, hours: float | None, consents: Mapping[str, float], by: str) -> OpenedDeployment:
        return OpenedDeployment("airshow", "trial", 1.7e9, 1.8e9)

    async def close_own(self, deployment: str, *, by: str, reason: str) -> ClosedDeployment:
        if deployment != "airshow":
            raise NotFoundError("this site serves no such deployment", got=deployment)
        return ClosedDeployment(deployment, "a" * 64, {"watchlist": {"entries": 3}}, 0, 40, 0, ())
