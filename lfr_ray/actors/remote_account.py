"""The account of a site as the HTTP routes see it: the alert desk, which has the ledger."""

from __future__ import annotations

import asyncio

from lfr_ray.actors.names import Names, alive
from lfr_ray.actors.protocols import DeskCalls
from lfr_ray.actors.rpc import Handle
from lfr_ray.api.site_state import LedgerPage, LedgerVerdict, Placed, RecordSoFar, SitePlan
from lfr_ray.config import SiteConfig
from lfr_ray.errors import NotFoundError


class RemoteAccount:
    """What is asked of the desk besides alerts."""

    _names: Names
    _site: SiteConfig

    async def plan(self) -> SitePlan:
        """Where the cameras are, as the site file says."""
        drawn, least_px = self._site.api.plan, self._site.quality.min_size_px
        cameras = {
            one.name: Placed(drawn.cameras.get(one.name), one.latitude, one.longitude, one.min_face_px or least_px)
            for one in self._site.cameras
        }
        return SitePlan(drawn.picture is not None, cameras)

    async def plan_picture(self) -> bytes:
        """The operator's plan, read anew and written as a JPEG: nothing of its file but the picture goes out."""
        from lfr_ray.camera.stills import encode_jpeg, read_picture

        picture = self._site.api.plan.picture
        if picture is None:
            raise NotFoundError("this site has no plan", next_step="name its picture: api -> plan -> picture")
        return await asyncio.to_thread(lambda: encode_jpeg(read_picture(picture)))

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
