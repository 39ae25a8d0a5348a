"""What a planned site will do, played through by events: how many frames it looks at, and how soon it has an answer.

Each camera sends its newest frame when its time has come and the one before was answered; Serve gives it to the less
busy of two replicas. Of everybody in view those views are compared that come late enough after the one before, so that
one frame may bring several. What is not a measured cost takes no time here: messages, matching, and other work of the
machine.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass

import numpy as np

from lfr_ray.config import EvidenceConfig, SiteConfig
from lfr_ray.plan.measured_costs import HardwareCosts
from lfr_ray.plan.node_sizing import Crowd, Plan

PLAYED_S, SETTLED_S = 60.0, 10.0
PLAYED_CAMERAS = 100

EARLY = 0.1
"""A frame that comes by this share of the interval before its time is looked at, as a live camera does it."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Predicted or measured.

    Attributes:
        fps: Frames a second and camera that are looked at.
        detectors, embedders: Share of their streams' time in which they work.
        p50_ms, p95_ms: From the capture of a view to the matcher's answer; None: there was none.
    """

    fps: float
    detectors: float
    embedders: float
    p50_ms: float | None
    p95_ms: float | None

    @property
    def limit(self) -> str:
        """What would be short first."""
        return "detectors" if self.detectors >= self.embedders else "embedders"


class _Replicas:
    """Streams of some replicas, and until when each is busy."""

    def __init__(self, count: int, streams: int, draw: random.Random) -> None:
        self._free_s = [[0.0] * streams for _ in range(count)]
        self._draw = draw
        self.busy_s = 0.0

    def done_s(self, at_s: float, work_s: float) -> float:
        """When work that is given out now will be done."""
        chosen = self._draw.sample(self._free_s, min(2, len(self._free_s)))
        streams = min(chosen, key=lambda one: sum(max(0.0, free_s - at_s) for free_s in one))
        done_s = max(at_s, heapq.heappop(streams)) + work_s
        heapq.heappush(streams, done_s)
        if at_s >= SETTLED_S:
            self.busy_s += work_s
        return done_s


class _Passing:
    """Who is in front of one camera: of each, when the newest view was compared, and how many were."""

    def __init__(self, first_s: float, apart_s: float, evidence: EvidenceConfig) -> None:
        self._next_s, self._apart_s, self._evidence = first_s, apart_s, evidence
        self._here: list[tuple[float, int]] = []

    def views(self, captured_s: float) -> int:
        """Views of a frame that are worth a comparison."""
        while self._next_s <= captured_s:
            self._here.append((-math.inf, 0))
            self._next_s += self._apart_s
        # Rounded as the chain does it.
        latest_s = captured_s - self._evidence.spacing_s + 1e-6
        after = [(captured_s, count + 1) if last_s <= latest_s else (last_s, count) for last_s, count in self._here]
        taken = sum(new != old for new, old in zip(after, self._here, strict=True))
        self._here = [one for one in after if one[1] < self._evidence.max_views]
        return taken


def streams_of(units: float) -> int:
    """How many pictures a planned replica works on at the same time."""
    return max(1, math.ceil(units))


def predicted(site: SiteConfig, costs: HardwareCosts, crowd: Crowd, found: Plan) -> Performance:
    """Play a plan through, the same each time; every camera is taken to be like the site's first one.

    Few cameras are played several times: how they keep step is chance, and decides how long they wait for each other.
    """
    times = max(1, PLAYED_CAMERAS // found.cameras)
    played = [_played(site, costs, crowd, found, random.Random(number)) for number in range(times)]  # noqa: S311
    answers_s = [one for each in played for one in each.answers_s]
    p50_s, p95_s = np.percentile(answers_s, (50, 95)) if answers_s else (None, None)
    over_s = (PLAYED_S - SETTLED_S) * times
    return Performance(
        sum(one.frames for one in played) / over_s / found.cameras,
        sum(one.detecting_s for one in played) / over_s / found.detectors / streams_of(found.detector_units),
        sum(one.embedding_s for one in played) / over_s / found.embedders / streams_of(found.embedder_units),
        None if p50_s is None else float(p50_s) * 1000,
        None if p95_s is None else float(p95_s) * 1000,
    )


@dataclass(frozen=True, slots=True)
class _Played:
    """Frames that were looked at, how long replicas worked, and how long each answer took."""

    frames: int
    detecting_s: float
    embedding_s: float
    answers_s: list[float]


def _played(site: SiteConfig, costs: HardwareCosts, crowd: Crowd, found: Plan, draw: random.Random) -> _Played:
    every_s = 1 / min(site.cameras[0].max_fps, crowd.fps)
    detect_s = costs.detect.of_ms(site.detector.width_px, site.detector.height_px) / 1000
    detectors = _Replicas(found.detectors, streams_of(found.detector_units), draw)
    embedders = _Replicas(found.embedders, streams_of(found.embedder_units), draw)
    apart_s = 60 / crowd.people_per_min if crowd.people_per_min else math.inf
    phases = [draw.random() * every_s for _ in range(found.cameras)]
    firsts_s = [draw.random() * apart_s if crowd.people_per_min else math.inf for _ in range(found.cameras)]
    passing = [_Passing(first_s, apart_s, site.evidence) for first_s in firsts_s]
    # (when, camera, views to compare, when they were captured, which look); no views: a frame is to be captured
    events = [(phase, camera, 0, 0.0, 0) for camera, phase in enumerate(phases)]
    heapq.heapify(events)
    frames, answers_s = 0, []
    while (event := heapq.heappop(events))[0] < PLAYED_S:
        now_s, camera, views, captured_s, look = event
        if views:
            answers_s.append(embedders.done_s(now_s, views * costs.embed_ms / 1000) - captured_s)
            continue
        frames += now_s >= SETTLED_S
        detected_s = detectors.done_s(now_s, detect_s)
        if views := passing[camera].views(now_s):
            heapq.heappush(events, (detected_s, camera, views, now_s, look))
        look = max(look + 1, math.ceil((detected_s - phases[camera]) / every_s - 1e-9))
        next_s = phases[camera] + _frame_s(look * every_s, every_s, crowd.fps)
        heapq.heappush(events, (next_s, camera, 0, 0.0, look))
    return _Played(frames, detectors.busy_s, embedders.busy_s, answers_s)


def _frame_s(due_s: float, every_s: float, fps: float) -> float:
    """When the first frame of a stream is captured that is not too early for a look at this time.

    >>> [round(_frame_s(due_s, 0.1, 25.0), 2) for due_s in (0.0, 0.1, 0.2, 0.3)]
    [0.0, 0.12, 0.2, 0.32]
    """
    return math.ceil((due_s - EARLY * every_s) * fps - 1e-9) / fps
