"""Recorded footage from start to end at full speed, in this process or on a Ray cluster.

This is retrospective use: every frame of every recording is looked at, nothing is dropped, and the
camera of each recording is named after its file without the ending.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lfr_ray.alert.json_document import to_json
from lfr_ray.camera.camera_reader import CameraStatus, faults_of
from lfr_ray.camera.recording_files import Recording, Rejected
from lfr_ray.clock import SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.detect.canvas_size import canvas_for
from lfr_ray.errors import ResourceError
from lfr_ray.govern.face_counters import CameraCounters, counters_of
from lfr_ray.metrics import Snapshot, Timing, merged, percentile_s
from lfr_ray.models.cores_and_threads import streams_of, usable_cores
from lfr_ray.pipeline.camera_run import CameraRun, EndOfRecording
from lfr_ray.pipeline.load_site_models import LoadingModels
from lfr_ray.pipeline.stage_protocols import LocalModels
from lfr_ray.records import EVERYTHING, Answer, Probe, Sighting

if TYPE_CHECKING:
    from lfr_ray.actors.desk_actor import DeskActor
    from lfr_ray.actors.matcher_actor import MatcherActor
    from lfr_ray.alert.alert_queries import AlertQuery
    from lfr_ray.records import Alert, AlertPage

POLL_S = 0.2


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    recordings_done: int = 0
    recordings: int = 0
    frames: int = 0
    blind: dict[str, list[str]] = field(default_factory=dict)
    endings: dict[str, CameraStatus] = field(default_factory=dict)


class FootagePlace(Protocol):
    """Where the chain runs.

    Attributes:
        at_once: Recordings that are read at a time: more would only take turns.
    """

    at_once: int

    def start(self, recordings: Sequence[Recording]) -> LoadingModels:
        """Start what the run needs, which loads while the list is being enrolled; the models, for that."""

    async def open(self) -> None:
        """The list is enrolled: everything else is ready when this returns."""

    async def run_to_end(self, recording: Recording) -> EndOfRecording:
        """One recording from start to end.

        Raises:
            ResourceError: The process in which it ran has died.
        """

    async def stop(self) -> None:
        """End the recordings that are under way: each gives what was seen of it."""

    def frames_under_way(self) -> int:
        """Frames looked at so far of the recordings that have not ended, where that is known."""

    async def counted(self) -> Snapshot:
        """What was counted beside the recordings."""

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""

    async def keep_up(self, seen: dict[str, CameraCounters]) -> None:
        """What every recording counted so far, for the ledger."""

    async def close(self) -> None:
        """Nothing more is asked; what was counted is on record."""

    def end(self) -> None:
        """End what was started."""


class LocalFootage:
    """The chain in this process, without Ray; see :class:`FootagePlace`.

    Matcher and alert desk are the plain classes of a site's actors. Models work in streams, one for each core.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site = site
        self._models: LoadingModels | None = None
        self._stages: _Stages | None = None
        self._running: dict[str, CameraRun] = {}
        self.at_once = usable_cores()

    def start(self, recordings: Sequence[Recording]) -> LoadingModels:
        """Begin to load the models."""
        first = [one.info for one in recordings[: self.at_once]]
        canvases = {canvas_for(one.width_px, one.height_px, self._site.detector) for one in first}
        self._models = LoadingModels(self._site, canvases)
        return self._models

    async def open(self) -> None:
        """Open the alerts and the matcher."""
        from lfr_ray.actors.desk_actor import DeskActor
        from lfr_ray.actors.matcher_actor import MatcherActor

        assert self._models is not None
        desk, matcher = DeskActor(self._site), MatcherActor(self._site)
        await desk.ready()
        matcher.ready()
        embedder, *second = self._models.embedders
        streams = streams_of(self._site.detector)
        self._stages = _Stages(matcher, desk, self._models.detector, embedder, second[0] if second else None, streams)

    async def run_to_end(self, recording: Recording) -> EndOfRecording:
        """One recording from start to end; when this is cancelled, its decoder ends as well."""
        assert self._stages is not None
        run = self._running[recording.camera.name] = CameraRun(self._site, recording.camera, SystemClock())
        try:
            return await run.run_to_end(self._stages)
        finally:
            await run.stop()
            del self._running[recording.camera.name]

    async def stop(self) -> None:
        """End the recordings that are under way."""
        await asyncio.gather(*(run.stop() for run in self._running.values()))

    def frames_under_way(self) -> int:
        """Of the recordings that have not ended."""
        return sum(run.frames for run in self._running.values())

    async def counted(self) -> Snapshot:
        """What the matcher counted."""
        assert self._stages is not None
        return self._stages.matcher.snapshot()

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """One page of alerts."""
        assert self._stages is not None
        return await self._stages.desk.list(query)

    async def keep_up(self, seen: dict[str, CameraCounters]) -> None:
        """What every recording counted so far, for the ledger."""
        assert self._stages is not None
        await self._stages.desk.keep_up(seen)

    async def close(self) -> None:
        """End the delivery of alerts, and forget the list."""
        if self._stages is not None:
            await self._stages.desk.stop()
            self._stages.matcher.stop()

    def end(self) -> None:
        """End the models' threads."""
        if self._stages is not None:
            self._stages.close()
        if self._models is not None:
            self._models.end()


class FootageRun:
    """One run over recordings, which begins with ``place.start``; as a context manager it ends what was started."""

    def __init__(self, place: FootagePlace) -> None:
        self.place = place
        self._snapshots: list[Snapshot] = []
        self._stopped = False
        self._seen: dict[str, CameraCounters] = {}

    def __enter__(self) -> FootageRun:
        return self

    def __exit__(self, *error: object) -> None:
        self.place.end()

    def watch(
        self,
        recordings: Sequence[Recording],
        on_progress: Callable[[Progress], None] = lambda progress: None,
        left_out: Sequence[Rejected] = (),
        stopped: Callable[[], bool] = lambda: False,
    ) -> FootageResult:
        """Run every recording from start to end, or until it is stopped.

        Args:
            recordings: What :func:`~lfr_ray.camera.recording_files.open_recordings` found.
            on_progress: Called a few times a second.
            left_out: Recordings that could not be opened; it is on record.
            stopped: Asked as often: no more is to be looked at, and what was found so far is the result.
        """
        for one in left_out:
            self._seen[Path(one.file).name] = counters_of(Snapshot(), "", 0.0, 0.0, problems=[one.reason])
        return asyncio.run(self._watch(recordings, on_progress, stopped))

    async def _watch(
        self, recordings: Sequence[Recording], on_progress: Callable[[Progress], None], stopped: Callable[[], bool]
    ) -> FootageResult:
        progress, free = Progress(recordings=len(recordings)), asyncio.Semaphore(self.place.at_once)
        running: set[asyncio.Task[None]] = set()
        try:
            await self.place.open()
            began_s = time.monotonic()
            running = {asyncio.create_task(self._run_one(one, free, progress)) for one in recordings}
            while any(not task.done() for task in running):
                done, _ = await asyncio.wait(running, timeout=POLL_S, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
                if stopped() and not self._stopped:
                    self._stopped = True
                    await self.place.stop()
                on_progress(replace(progress, frames=progress.frames + self.place.frames_under_way()))
            wall_s = time.monotonic() - began_s
            counted = merged([*self._snapshots, await self.place.counted()])
            alerts = sorted(await self._every_alert(), key=lambda one: (one.camera, one.captured_s))
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self.place.close()
        documents = [to_json(one) for one in alerts]
        return FootageResult(documents, counted, wall_s, dict(progress.blind), dict(progress.endings))

    async def _run_one(self, recording: Recording, free: asyncio.Semaphore, progress: Progress) -> None:
        """One recording, in its turn; its counters are kept."""
        async with free:
            if self._stopped:
                return
            name = recording.camera.name
            try:
                ending = await self.place.run_to_end(recording)
                self._snapshots.append(ending.counted)
                counters = ending.counted.values.items()
                progress.frames += int(sum(value for (key, _), value in counters if key == "frames_total"))
                progress.endings[name] = ending.status
                if problems := faults_of(ending.status):
                    progress.blind[name] = problems
                seen_s = ending.status.seconds - ending.status.missing_s
                expected = ending.status.expected
                self._seen[name] = counters_of(
                    ending.counted, name, max(0.0, seen_s), 0.0, expected=expected, problems=problems
                )
            except ResourceError:
                progress.blind[name] = ["its process ended; the rest of the recording was not seen"]
                self._seen[name] = counters_of(Snapshot(), name, 0.0, 0.0, problems=progress.blind[name])
            await self.place.keep_up(dict(self._seen))
            progress.recordings_done += 1

    async def _every_alert(self) -> list[Alert]:
        from lfr_ray.alert.alert_queries import MAX_PAGE, AlertQuery

        found: list[Alert] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.place.alerts(AlertQuery(limit=MAX_PAGE, order="oldest", cursor=cursor, reader=EVERYTHING))
            found += page.alerts
            cursor = page.next_cursor
        return found


class _Stages(LocalModels):
    """All stages in this process: the models, and the plain classes of matcher and desk."""

    def __init__(self, matcher: MatcherActor, desk: DeskActor, *models: Any) -> None:
        super().__init__(*models)
        self.matcher = matcher
        self.desk = desk

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        """One answer a probe."""
        return self.matcher.match(list(probes))

    async def raise_alert(self, sighting: Sighting) -> None:
        """Returns when the desk has made the alert durable."""
        await self.desk.raise_alert(sighting)


@dataclass(frozen=True, slots=True)
class FootageResult:
    """What came of a run.

    Attributes:
        alerts: Documents as HTTP gives them.
        counted: Every process's counters, added up.
        wall_s: From the first recording's start to the last one's end, models being ready.
        problems: Recordings that were not seen whole, and why.
        endings: The cameras' states at the end of their recordings, by name.
    """

    alerts: list[dict[str, Any]]
    counted: Snapshot
    wall_s: float
    problems: dict[str, list[str]]
    endings: dict[str, CameraStatus]

    def total(self, name: str) -> int:
        """A counter over all cameras."""
        return sum(self.by_label(name, "").values())

    def by_label(self, name: str, label: str) -> dict[str, int]:
        """A counter by one of its labels."""
        counts: dict[str, int] = {}
        for (key, labels), value in self.counted.values.items():
            if key == name:
                group = dict(labels).get(label, "")
                counts[group] = counts.get(group, 0) + int(value)
        return counts

    def percentile_ms(self, name: str, fraction: float) -> float | None:
        """A percentile of a timing over all cameras, milliseconds; None where nothing was timed."""
        timings = [timing for (key, _), timing in self.counted.timings.items() if key == name]
        if not timings:
            return None
        value_s = percentile_s(Timing(0, 0.0, [one for timing in timings for one in timing.newest_s]), fraction)
        return None if value_s is None else round(value_s * 1000, 1)
