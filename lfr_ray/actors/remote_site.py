"""The site as the HTTP routes see it, apart from its alerts: what its processes said, the fleet and the matcher."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace

# A handle loads its actor's class. The first request may be the emergency stop: it must not wait for that.
import lfr_ray.actors.matcher_actor  # noqa: F401
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import FLEET, HEALTH, Names, alive
from lfr_ray.actors.actor_protocols import FleetCalls, MatcherCalls
from lfr_ray.actors.health_watch import SiteWatch
from lfr_ray.actors.heartbeat import EVERY_S
from lfr_ray.actors.remote_audit import RemoteAccount
from lfr_ray.actors.remote_matcher_and_models import CameraCalls
from lfr_ray.actors.remote_watchlist import RemoteList
from lfr_ray.api.site_state import CameraState, DeploymentList, Switched, WatchlistState
from lfr_ray.camera.camera_reader import CameraStatus
from lfr_ray.config import SiteConfig
from lfr_ray.errors import NotFoundError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.health import LIVE, CameraHealth
from lfr_ray.metrics import Meter, Snapshot, merged
from lfr_ray.site.uploaded_recordings import uploading

ANSWER_S = 5.0
"""The matcher compares while it is asked; beyond this it does not answer."""
COUNTED_S = 2.0


class RemoteSite(RemoteAccount, RemoteList):
    """What was heard of the processes, as :class:`~lfr_ray.api.alert_and_site_ports.SiteView`. Nobody waits long.

    Args:
        site: The site.
        fleet: The fleet's deployment.
        application: Serve's name of the site.
    """

    def __init__(self, site: SiteConfig, fleet: Handle[FleetCalls], application: str) -> None:
        self._site = site
        self._names = Names.of(site)
        self._fleet = fleet
        self._watch = SiteWatch(site, application).start()
        threading.Thread(target=self._end_frozen_fleet, name="fleet-watch", daemon=True).start()

    async def cameras(self) -> list[CameraState]:
        """Every camera of the site file, also one that has not answered yet."""
        health, taking = self._watch.health().cameras, uploading(self._site)
        return [_camera(n, health[n], one.heard.said, takes=n in taking) for n, one in self._watch.cameras.items()]

    async def watchlist(self) -> WatchlistState:
        """The list that the matcher holds."""
        return await self._matcher().ask(MatcherCalls.watchlist)

    async def deployments(self) -> DeploymentList:
        """Deployments and the emergency stop, answered beside the comparisons."""
        return await self._matcher().in_group(HEALTH).ask(MatcherCalls.deployments)

    async def stop(self, *, officer: str, reason: str) -> Switched:
        """Nothing comes of a comparison once this answers: the one matcher looks before and after each of its own."""
        return await self._matcher().ask(MatcherCalls.halt, officer, reason)

    async def resume(self, *, officer: str, reason: str) -> Switched:
        """Lift the emergency stop."""
        return await self._matcher().ask(MatcherCalls.resume, officer, reason)

    async def preview(self, name: str) -> bytes:
        """What a camera sees now, every face hidden, as its own process made it."""
        if name not in {camera.name for camera in self._site.cameras}:
            raise NotFoundError("no such camera", got=name)
        return await alive(self._names.find_camera(name), "the camera's process").ask(CameraCalls.preview)

    async def set_focus(self, name: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        """Set where a camera looks."""
        await self._fleet.limited(ANSWER_S).ask(FleetCalls.set_focus, name, focus, by=by, reason=reason)

    async def readiness(self) -> dict[str, str]:
        """Of each part, why it is not ready."""
        return dict(self._watch.health().parts)

    async def snapshot(self) -> Snapshot:
        """Counters of all processes, and how they are."""
        health, meter = self._watch.health(), Meter()
        for name, one in health.cameras.items():
            meter.gauge("camera_up", float(not self._watch.cameras[name].heard.fault(time.monotonic())), camera=name)
            meter.gauge("camera_blind", float(one.state != LIVE), camera=name)
            meter.gauge("camera_refused", float(bool(one.refusal)), camera=name)
            meter.gauge("camera_warned", float(bool(one.warning)), camera=name)
            meter.gauge("camera_clock_ahead_seconds", one.clock_ahead_s, camera=name)
        if (matcher := self._watch.matcher.heard.said) is not None:
            meter.gauge("authority_in_force", float(not (matcher.fault or matcher.list_fault or matcher.authority)))
        for part, fault in health.parts.items():
            meter.gauge("part_ready", float(not fault), part=part)
        counted = await self._fleet.ask(FleetCalls.snapshots).within(COUNTED_S)
        return merged([meter.snapshot(), *(counted or ())])

    def _matcher(self) -> Handle[MatcherCalls]:
        return alive(self._names.find_matcher(), "the matcher").limited(ANSWER_S)

    def _end_frozen_fleet(self) -> None:
        """The fleet ends all others that are frozen; here it is ended itself."""
        while True:
            time.sleep(EVERY_S)
            with contextlib.suppress(Exception):  # it goes on looking, whatever Ray says
                self._watch.end_frozen(only=FLEET)


def _camera(name: str, health: CameraHealth, status: CameraStatus | None, *, takes: bool) -> CameraState:
    state = CameraState(
        name,
        health.state,
        blind_since=health.since,
        problem=health.problem,
        refusal=health.refusal,
        warning=health.warning,
        takes_recording=takes,
    )
    if status is None:
        return state
    looks = status.looks
    return replace(
        state,
        width_px=status.width_px,
        height_px=status.height_px,
        frames=status.frames,
        frames_dropped=status.dropped,
        frames_still=status.still,
        frames_damaged=status.corrupt,
        frames_expected=status.expected,
        missing_s=round(status.missing_s, 3),
        problems=status.problems,
        fps=round(looks.fps, 2) if health.state == LIVE else 0.0,
        fps_wanted=round(status.fps, 2),
        detected_age_s=_rounded(looks.detected_age_s),
        compared_age_s=_rounded(looks.compared_age_s),
        alerted_age_s=_rounded(looks.raised_age_s),
        answer_ms=None if looks.answer_s is None else round(looks.answer_s * 1000, 1),
        faces_seen=looks.faces_seen,
        faces_compared=looks.faces_compared,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
