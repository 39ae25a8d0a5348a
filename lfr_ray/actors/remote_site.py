"""The site as the HTTP routes see it: the desk actor, the fleet and the matcher behind their ports."""

from __future__ import annotations

import time
from typing import Any

# A handle loads its actor's class. The first request may be the emergency stop: it must not wait for that.
import lfr_ray.actors.desk
import lfr_ray.actors.matcher  # noqa: F401
from lfr_ray.actors.names import Names, find_actor
from lfr_ray.actors.rpc import answer, answer_within
from lfr_ray.alert.queries import AlertQuery
from lfr_ray.api.site_state import CameraState, DeploymentList, Switched, WatchlistState
from lfr_ray.camera.reader import CameraStatus
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.metrics import Snapshot, merged
from lfr_ray.records import AlertPage

ANSWER_S = 3.0
FLEET_S = 5.0
"""The fleet itself waits for cameras, for a shorter time than this."""
FRESH_S = 0.5
"""For so long one look at the cameras serves every reader."""


class RemoteAlerts:
    """The desk actor as :class:`~lfr_ray.api.ports.AlertsPort`: every question is passed on by its name."""

    def __init__(self, site: SiteConfig) -> None:
        self._name = Names(site.site).desk

    def __getattr__(self, question: str) -> Any:
        if question.startswith("_"):
            raise AttributeError(question)

        async def ask(*args: Any, **kwargs: Any) -> Any:
            return await answer(self._actor().ask.remote(question, *args, **kwargs))

        return ask

    async def list(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        page: AlertPage = await answer(self._actor().ask.remote("list", query))
        return page

    def _actor(self) -> Any:
        return _living(self._name, "the alert desk")


class RemoteSite:
    """Fleet and matcher as :class:`~lfr_ray.api.ports.SiteView`."""

    def __init__(self, site: SiteConfig, fleet: Any) -> None:
        self._site = site
        self._fleet = fleet
        self._seen: tuple[float, list[CameraStatus]] = (-FRESH_S, [])

    async def cameras(self) -> list[CameraState]:
        """Every camera of the site file, also one that has not answered yet."""
        statuses = {status.name: status for status in await self._statuses()}
        return [_camera(camera.name, statuses.get(camera.name)) for camera in self._site.cameras]

    async def watchlist(self) -> WatchlistState:
        """The list that the matcher holds."""
        document: WatchlistState = await answer(self._matcher().watchlist.remote())
        return document

    async def deployments(self) -> DeploymentList:
        """Deployments and the emergency stop."""
        document: DeploymentList = await answer(self._matcher().deployments.remote())
        return document

    async def stop(self, *, officer: str, reason: str) -> Switched:
        """No comparison anywhere once this answers: there is one matcher, and it asks before each."""
        document: Switched = await answer(self._matcher().halt.remote(officer, reason))
        return document

    async def resume(self, *, officer: str, reason: str) -> Switched:
        """Lift the emergency stop."""
        document: Switched = await answer(self._matcher().resume.remote(officer, reason))
        return document

    async def readiness(self) -> dict[str, str]:
        """Of each part, why it is not ready."""
        try:
            statuses = await self._statuses()
        except ResourceError as error:
            return {"cameras": error.what}
        missing = {camera.name for camera in self._site.cameras} - {status.name for status in statuses}
        matcher = find_actor(Names(self._site.site).matcher)
        ready = None if matcher is None else await answer_within(matcher.ready.remote(), ANSWER_S)
        return {
            "cameras": f"not started: {', '.join(sorted(missing))}" if missing else "",
            "matcher": "" if ready else "no answer",
        }

    async def snapshot(self) -> Snapshot:
        """Counters of all processes."""
        return merged(await self._fleet_says(self._fleet.snapshots.remote()))

    async def _statuses(self) -> list[CameraStatus]:
        seen_s, statuses = self._seen
        if time.monotonic() - seen_s >= FRESH_S:
            statuses = await self._fleet_says(self._fleet.cameras.remote())
            self._seen = (time.monotonic(), statuses)
        return statuses

    async def _fleet_says(self, asked: Any) -> Any:
        """Its answer: Serve keeps a request for a fleet that is starting, and a reader should not wait for that."""
        said = await answer_within(asked, FLEET_S)
        if said is None:
            raise ResourceError("the fleet does not answer", next_step="it is being started; try again")
        return said

    def _matcher(self) -> Any:
        return _living(Names(self._site.site).matcher, "the matcher")


def _living(name: str, label: str) -> Any:
    actor = find_actor(name)
    if actor is None:
        raise ResourceError(f"{label} is not running", next_step="it is being started; try again")
    return actor


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
        fps=round(status.fps, 2),
    )
