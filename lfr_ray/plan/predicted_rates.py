"""What a planned site will do, played through by events: how many frames it looks at, and how soon it has an answer.

Each camera sends its newest frame when its time has come and the one before was answered; Serve gives it to the less
busy of two replicas. What is not a measured cost takes no time here: messages, matching, and other work of the machine.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass

import numpy as np

from lfr_ray.config import SiteConfig
from lfr_ray.plan.measured_costs import HardwareCosts
from lfr_ray.plan.node_sizing import Crowd, Plan

PLAYED_S, SETTLED_S = 60.0, 10.0


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


def streams_of(units: float) -> int:
    """How many pictures a planned replica works on at the same time."""
    return max(1, math.ceil(units))


def predicted(site: SiteConfig, costs: HardwareCosts, crowd: Crowd, found: Plan) -> Performance:
    """Play a plan through, the same each time; every camera is taken to be like the site's first one."""
    draw = random.Random(0)  # noqa: S311
    every_s = 1 / min(site.cameras[0].max_fps, crowd.fps)
    detect_s = costs.detect.of_ms(site.detector.width_px, site.detector.height_px) / 1000
    detectors = _Replicas(found.detectors, streams_of(found.detector_units), draw)
    embedders = _Replicas(found.embedders, streams_of(found.embedder_units), draw)
    people_s, seen_s = crowd.people_per_min / 60, site.evidence.max_views * every_s
    phases = [draw.random() * every_s for _ in range(found.cameras)]
    came_s = [draw.random() / people_s if people_s else math.inf for _ in range(found.cameras)]
    # (when, camera, capture of the frame whose faces are to be compared; negative: a frame is to be captured)
    events = [(phase, camera, -1.0) for camera, phase in enumerate(phases)]
    heapq.heapify(events)
    frames, answers_s = 0, []
    while (event := heapq.heappop(events))[0] < PLAYED_S:
        now_s, camera, captured_s = event
        if captured_s >= 0:
            answered_s = embedders.done_s(
                now_s, _views(captured_s - came_s[camera], people_s, seen_s) * costs.embed_ms / 1000
            )
            answers_s.append(answered_s - captured_s)
            continue
        frames += now_s >= SETTLED_S
        detected_s = detectors.done_s(now_s, detect_s)
        if _views(now_s - came_s[camera], people_s, seen_s):
            heapq.heappush(events, (detected_s, camera, now_s))
        due = math.ceil(max(now_s + every_s / 2, detected_s) / every_s - phases[camera] / every_s - 1e-9)
        heapq.heappush(events, (phases[camera] + due * every_s, camera, -1.0))
    played_s = PLAYED_S - SETTLED_S
    p50_s, p95_s = np.percentile(answers_s, (50, 95)) if answers_s else (None, None)
    return Performance(
        frames / played_s / found.cameras,
        detectors.busy_s / played_s / found.detectors / streams_of(found.detector_units),
        embedders.busy_s / played_s / found.embedders / streams_of(found.embedder_units),
        None if p50_s is None else float(p50_s) * 1000,
        None if p95_s is None else float(p95_s) * 1000,
    )


def _views(since_s: float, people_s: float, seen_s: float) -> int:
    """Faces in a frame that are worth a comparison: of everybody who came in the last ``seen_s``."""
    if not people_s:
        return 0
    return max(0, math.floor(since_s * people_s) + 1) - max(0, math.floor((since_s - seen_s) * people_s) + 1)
