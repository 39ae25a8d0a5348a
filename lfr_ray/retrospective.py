"""Recorded footage from start to end at full speed, through the same actors as a live site.

This is retrospective use: every frame of every recording is looked at, nothing is dropped, and the
camera of each recording is named after its file without the ending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import serve

from lfr_ray.actors.camera import EndOfRecording
from lfr_ray.actors.cluster import quieten
from lfr_ray.actors.launch import (
    camera_actor,
    desk_actor,
    detector_deployment,
    embedder_deployment,
    matcher_actor,
    second_embedder_deployment,
)
from lfr_ray.actors.names import DETECTOR, EMBEDDER, SECOND_EMBEDDER
from lfr_ray.actors.protocols import CameraCalls, DeskCalls, DetectorCalls, EmbedderCalls, MatcherCalls
from lfr_ray.actors.remote_alerts import every_alert
from lfr_ray.actors.remote_models import RemoteDetector, RemoteEmbedder, remote_embedders
from lfr_ray.actors.resources import usable_cores
from lfr_ray.actors.rpc import Handle, Reply
from lfr_ray.actors.stages import RemoteStages
from lfr_ray.alert.document import to_json
from lfr_ray.camera.recordings import Recording
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.metrics import Snapshot, Timing, merged, percentile_s
from lfr_ray.models.catalogue import card

MOST_AT_ONCE_PER_CORE = 1
"""Recordings that are read at once, for each core: more would only take turns."""

POLL_S = 0.2


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    recordings_done: int = 0
    recordings: int = 0
    frames: int = 0
    alerts: int = 0
    blind: dict[str, str] = field(default_factory=dict)


class FootageRun:
    """Models, matcher and desk for recorded footage, on a Ray that is running already.

    Use as a context manager: what was started is ended, and the temporary data with it.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site = site
        self._matcher: Handle[MatcherCalls] | None = None
        self._desk: Handle[DeskCalls] | None = None
        self._cameras: dict[str, Handle[CameraCalls]] = {}
        self._snapshots: list[Snapshot] = []

    def __enter__(self) -> FootageRun:
        quieten()  # loading Serve has made its log talkative again
        serve.start(proxy_location="Disabled")
        quieten()
        models = {
            DETECTOR: detector_deployment(self._site),
            EMBEDDER: embedder_deployment(self._site),
            SECOND_EMBEDDER: second_embedder_deployment(self._site),
        }
        targets = [
            serve.RunTarget(one, name=name, route_prefix=None) for name, one in models.items() if one is not None
        ]
        detector, embedder, *second = serve.run_many(targets)
        self._detector: Handle[DetectorCalls] = Handle(detector)
        self._embedder: Handle[EmbedderCalls] = Handle(embedder)
        self._second: Handle[EmbedderCalls] | None = Handle(second[0]) if second else None
        return self

    def __exit__(self, *error: object) -> None:
        for actor in (*self._cameras.values(), self._matcher, self._desk):
            if actor is not None:
                actor.kill()
        serve.shutdown()

    @property
    def detector(self) -> RemoteDetector:
        """The deployed detector, for enrolment."""
        return RemoteDetector(card(self._site.detector.model), self._detector)

    @property
    def embedders(self) -> list[RemoteEmbedder]:
        """The deployed embedder, or both, for enrolment."""
        return remote_embedders(self._site, self._embedder, self._second)

    def prepare(self, recordings: Sequence[Recording]) -> Handle[DeskCalls]:
        """Start the processes that the run needs; they load while the watchlist is being enrolled."""
        if self._desk is None:
            self._desk = desk_actor(self._site)
            self._make_cameras(recordings[: usable_cores() * MOST_AT_ONCE_PER_CORE + 1])
        return self._desk

    def watch(
        self, recordings: Sequence[Recording], on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> FootageResult:
        """Run every recording from start to end.

        Args:
            recordings: What :func:`~lfr_ray.camera.recordings.open_recordings` found.
            on_progress: Called a few times a second.
        """
        desk = self.prepare(recordings)
        desk.ask(DeskCalls.ready).wait()
        self._matcher = matcher_actor(self._site)
        self._matcher.ask(MatcherCalls.ready).wait()
        stages = RemoteStages(self._detector, self._embedder, self._matcher, desk, self._second)
        at_once = usable_cores() * MOST_AT_ONCE_PER_CORE
        loading = [self._cameras[one.camera.name].ask(CameraCalls.ready, stages) for one in recordings[:at_once]]
        for camera in loading:
            camera.wait()
        waiting = list(recordings)
        running: dict[Any, tuple[Recording, Reply[EndOfRecording]]] = {}
        progress = Progress(recordings=len(recordings))
        began_s = time.monotonic()
        while waiting or running:
            while waiting and len(running) < at_once:
                recording = waiting.pop(0)
                reply = self._cameras[recording.camera.name].ask(CameraCalls.run_to_end, stages)
                running[reply.pending] = recording, reply
                self._make_cameras(waiting[:1])
            done, _ = ray.wait(list(running), timeout=POLL_S)
            for pending in done:
                self._end(*running.pop(pending), progress)
            progress.recordings_done = len(recordings) - len(waiting) - len(running)
            on_progress(progress)
        wall_s = time.monotonic() - began_s
        counted = merged([*self._snapshots, self._matcher.ask(MatcherCalls.snapshot).wait()])
        alerts = sorted(every_alert(desk), key=lambda one: (one.camera, one.captured_s))
        return FootageResult([to_json(one) for one in alerts], counted, wall_s, dict(progress.blind))

    def _make_cameras(self, recordings: Sequence[Recording]) -> None:
        for recording in recordings:
            if recording.camera.name not in self._cameras:
                self._cameras[recording.camera.name] = camera_actor(self._site, recording.camera)

    def _end(self, recording: Recording, reply: Reply[EndOfRecording], progress: Progress) -> None:
        """One recording is through: keep its counters, end its process."""
        camera = self._cameras.pop(recording.camera.name)
        try:
            ending = reply.wait()
            self._snapshots.append(ending.counted)
            progress.frames += int(sum(v for (name, _), v in ending.counted.values.items() if name == "frames_total"))
            if ending.problem:
                progress.blind[recording.camera.name] = ending.problem
        except ResourceError:
            progress.blind[recording.camera.name] = "its process ended; the rest of the recording was not seen"
        camera.kill()


@dataclass(frozen=True, slots=True)
class FootageResult:
    """What came of a run.

    Attributes:
        alerts: Documents as HTTP gives them.
        counted: Every process's counters, added up.
        wall_s: From the first recording's start to the last one's end, models being ready.
        problems: Recordings that were not seen whole, and why.
    """

    alerts: list[dict[str, Any]]
    counted: Snapshot
    wall_s: float
    problems: dict[str, str]

    def total(self, name: str) -> int:
        """A counter over all cameras."""
        return int(sum(value for (key, _), value in self.counted.values.items() if key == name))

    def frames_by_camera(self) -> dict[str, int]:
        """Frames that were looked at, by camera."""
        return self.by_label("frames_total", "camera")

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
