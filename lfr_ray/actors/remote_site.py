"""The site as the HTTP routes see it, apart from its alerts: the fleet and the matcher."""

from __future__ import annotations

import time

# A handle loads its actor's class. The first request may be the emergency stop: it must not wait for that.
import lfr_ray.actors.matcher  # noqa: F401
from lfr_ray.actors.names import Names, alive
from lfr_ray.actors.protocols import DeskCalls, FleetCalls, MatcherCalls
from lfr_ray.actors.rpc import Handle, Reply, ReplyT
from lfr_ray.actors.stages import CameraCalls
from lfr_ray.api.site_state import (
    CameraState,
    DeploymentList,
    LedgerPage,
    LedgerVerdict,
    RecordSoFar,
    Switched,
    WatchlistState,
)
from lfr_ray.camera.reader import CameraStatus
from lfr_ray.config import SiteConfig
from lfr_ray.errors import NotFoundError, ResourceError
from lfr_ray.metrics import Snapshot, merged

ANSWER_S = 3.0
FLEET_S = 5.0
"""The fleet itself waits for cameras, for a shorter time than this."""
FRESH_S = 0.5
"""For so long one look at the cameras serves every reader."""


class RemoteSite:
    """Fleet and matcher as :class:`~lfr_ray.api.ports.SiteView`."""

    def __init__(self, site: SiteConfig, fleet: Handle[FleetCalls]) -> None:
        self._site = site
        self._names = Names(site.site)
        self._fleet = fleet
        self._seen: tuple[float, list[CameraStatus]] = (-FRESH_S, [])

    async def cameras(self) -> list[CameraState]:
        """Every camera of the site file, also one that has not answered yet."""
        statuses = {status.name: status for status in await self._statuses()}
        return [_camera(camera.name, statuses.get(camera.name)) for camera in self._site.cameras]

    async def watchlist(self) -> WatchlistState:
        """The list that the matcher holds."""
        return await self._matcher().ask(MatcherCalls.watchlist)

    async def deployments(self) -> DeploymentList:
        """Deployments and the emergency stop."""
        return await self._matcher().ask(MatcherCalls.deployments)

    async def stop(self, *, officer: str, reason: str) -> Switched:
        """No comparison anywhere once this answers: there is one matcher, and it asks before each."""
        return await self._matcher().ask(MatcherCalls.halt, officer, reason)

    async def resume(self, *, officer: str, reason: str) -> Switched:
        """Lift the emergency stop."""
        return await self._matcher().ask(MatcherCalls.resume, officer, reason)

    async def preview(self, name: str) -> bytes:
        """What a camera sees now, every face hidden, as its own process made it."""
        if name not in {camera.name for camera in self._site.cameras}:
            raise NotFoundError("no such camera", got=name)
        return await alive(self._names.find_camera(name), "the camera's process").ask(CameraCalls.preview)

    async def record(self) -> RecordSoFar:
        """The deployment's account as it would be published now."""
        return await self._desk().ask(DeskCalls.record_so_far)

    async def ledger_verdict(self) -> LedgerVerdict:
        """Whether the ledger holds."""
        return await self._desk().ask(DeskCalls.ledger_verdict)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        """Records of the ledger, newest first."""
        return await self._desk().ask(DeskCalls.ledger, kind=kind, text=text, since=since, before=before, limit=limit)

    async def readiness(self) -> dict[str, str]:
        """Of each part, why it is not ready."""
        try:
            statuses = await self._statuses()
        except ResourceError as error:
            return {"cameras": error.what}
        missing = {camera.name for camera in self._site.cameras} - {status.name for status in statuses}
        matcher = self._names.find_matcher()
        ready = None if matcher is None else await matcher.ask(MatcherCalls.ready).within(ANSWER_S)
        return {
            "cameras": f"not started: {', '.join(sorted(missing))}" if missing else "",
            "matcher": "" if ready else "no answer",
        }

    async def snapshot(self) -> Snapshot:
        """Counters of all processes."""
        return merged(await _said(self._fleet.ask(FleetCalls.snapshots)))

    async def _statuses(self) -> list[CameraStatus]:
        seen_s, statuses = self._seen
        if time.monotonic() - seen_s >= FRESH_S:
            statuses = await _said(self._fleet.ask(FleetCalls.cameras))
            self._seen = (time.monotonic(), statuses)
        return statuses

    def _matcher(self) -> Handle[MatcherCalls]:
        return alive(self._names.find_matcher(), "the matcher")

    def _desk(self) -> Handle[DeskCalls]:
        return alive(self._names.find_desk(), "the alert desk")


async def _said(reply: Reply[ReplyT]) -> ReplyT:
    """The fleet's answer: Serve keeps a request for a fleet that is starting, and a reader should not wait for that."""
    said = await reply.within(FLEET_S)
    if said is None:
        raise ResourceError("the fleet does not answer", next_step="it is being started; try again")
    return said


def _camera(name: str, status: CameraStatus | None) -> CameraState:
    if status is None:
        return CameraState(name, "connecting")
    return CameraState(
        name,
        status.state,
        blind_since=status.blind_since,
        problem=status.problem,
        refusal=status.refusal,
        width_px=status.width_px,
        height_px=status.height_px,
        frames=status.frames,
        frames_dropped=status.dropped,
        frames_still=status.still,
        frames_damaged=status.corrupt,
        frames_expected=status.expected,
        missing_s=round(status.missing_s, 3),
        problems=status.problems,
        fps=round(status.fps, 2),
    )
