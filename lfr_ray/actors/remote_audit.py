"""The account of a site as the HTTP routes see it: the alert desk, which has the ledger."""

from __future__ import annotations

import asyncio

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import Names, alive
from lfr_ray.actors.actor_protocols import DeskCalls
from lfr_ray.actors.passed_on import asked
from lfr_ray.actors.replace_actors import end_camera
from lfr_ray.api.site_state import Placed, SitePlan
from lfr_ray.config import SiteConfig
from lfr_ray.errors import NotFoundError
from lfr_ray.site.camera_focus import with_focus


class RemoteAccount:
    """What is asked of the desk besides alerts."""

    _names: Names
    _site: SiteConfig

    async def plan(self) -> SitePlan:
        """Where the cameras are, and where they look."""
        site = await asyncio.to_thread(with_focus, self._site)
        drawn, least_px = self._site.api.plan, self._site.quality.min_size_px
        cameras = {
            one.name: Placed(
                drawn.cameras.get(one.name), one.latitude, one.longitude, one.min_face_px or least_px, one.regions
            )
            for one in site.cameras
        }
        return SitePlan(drawn.picture is not None, cameras)

    async def plan_picture(self) -> bytes:
        """The operator's plan, read anew and written as a JPEG: nothing of its file but the picture goes out."""
        from lfr_ray.camera.still_pictures import encode_jpeg, read_picture

        picture = self._site.api.plan.picture
        if picture is None:
            raise NotFoundError("this site has no plan", next_step="name its picture: api -> plan -> picture")
        return await asyncio.to_thread(lambda: encode_jpeg(read_picture(picture)))

    def _desk(self) -> Handle[DeskCalls]:
        return alive(self._names.find_desk(), "the alert desk")

    record = asked(DeskCalls.record_so_far, _desk)
    ledger_verdict = asked(DeskCalls.ledger_verdict, _desk)
    ledger = asked(DeskCalls.ledger, _desk)
    propose = asked(DeskCalls.propose, _desk)
    take_in = asked(DeskCalls.take_in, _desk)
    open_own = asked(DeskCalls.open_own, _desk)
    close_own = asked(DeskCalls.close_own, _desk)

    async def take_recording(self, camera: str, video: bytes, *, by: str) -> None:
        """Put a recording before a camera of a test; its process is made anew, and begins with it."""
        from lfr_ray.site.uploaded_recordings import take_recording

        await asyncio.to_thread(take_recording, self._site, camera, video, by=by)
        if (actor := self._names.find_camera(camera)) is not None:
            await end_camera(self._site, camera, actor)
