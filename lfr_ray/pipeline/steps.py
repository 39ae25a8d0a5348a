"""The whole chain of one camera: frames in, alerts out, everyone else forgotten.

The same code runs in one process (tests, benchmarks, evaluation) and inside a camera actor: what differs is
the :class:`~lfr_ray.pipeline.stages.Stages` that it is given.

Several frames are in flight at the detector at once, and they are taken up again in their own order. The
comparison of a frame's faces goes on beside the next frames.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog

from lfr_ray.camera.redact import crop_face, surroundings
from lfr_ray.clock import Clock
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.detect.canvas import canvas_for
from lfr_ray.detect.letterbox import Mapping, fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.occlusion import Occlusion
from lfr_ray.embed.quality import assess
from lfr_ray.embed.regions import joined, with_painted
from lfr_ray.errors import RefusedError
from lfr_ray.metrics import Meter
from lfr_ray.models.cards import ModelCard, chip_spec
from lfr_ray.pipeline.sighting import sighting_of
from lfr_ray.pipeline.stages import Feed, Stages
from lfr_ray.pipeline.tracklets import Tracklets
from lfr_ray.records import Answer, Faces, Floats, Frame, Match, Picture, Probe, Sighting, View
from lfr_ray.track.tracker import FaceTracker

FORGET_LIMIT_S = 0.8
"""An ended tracklet is dropped after this long even if its last comparison has not come back."""

LOOK_ROUND_S = 0.1
"""So often what has ended is looked for, whether or not frames come."""

STUCK_S = 5.0
"""After so long without a frame that was looked at every track has ended, also where frames wait for a detector that
gives no answer, and where a recording is read slowly (so that its outcome does not depend on the machine's pace)."""

COMPARISONS_IN_FLIGHT = 8
"""Frames whose faces may be under comparison at once; beyond, the camera waits."""

COMPARISON_LIMIT_S = 15.0
"""A comparison that takes so long has failed: it must not hold the camera up for ever."""

COVERED, UNSTABLE = "covered", "unstable"
"""Why a view that passed the gate is not compared: both halves are covered; its mirror image gives another vector."""

SURROUNDINGS = 4.0
"""What attack models see of a face's surroundings, at most, in sizes of its box."""

RETRY_FIRST_S, RETRY_MOST_S = 0.2, 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The faces of one frame that are worth a comparison."""

    views: list[View]
    crops: list[Picture] = field(repr=False)


class CameraSteps:
    """One camera's chain.

    Args:
        camera: This camera.
        site: The site's rules for tracks, quality and evidence.
        embedder: The embedder's card: how it wants its chips, and how stable a view must be.
        stages: Where detection, embedding, matching and alerting happen.
        clock: Time.
        meter: Where this camera counts.
        run_id: Differs between two runs of the same camera, so that their alerts' keys differ.
        second: The second embedder's card, where an alert needs two models.
        occlusion: Tells which half of a face is covered; None: faces are compared as they are.
        in_flight: Frames at the detector at once.
    """

    def __init__(
        self,
        camera: CameraConfig,
        site: SiteConfig,
        embedder: ModelCard,
        stages: Stages,
        clock: Clock,
        meter: Meter,
        *,
        run_id: str,
        second: ModelCard | None = None,
        occlusion: Occlusion | None = None,
        in_flight: int = 4,
    ) -> None:
        self._camera = camera
        self._site = site
        self._chip = chip_spec(embedder)
        self._model = embedder.id
        own = None if embedder.calibration is None else embedder.calibration.min_stability
        self._min_stability = own if site.quality.min_stability is None else site.quality.min_stability
        self._stages = stages
        self._clock = clock
        self._meter = meter
        self._run_id = run_id
        self._second = second
        self._occlusion = occlusion
        self._tracker = FaceTracker(site.track)
        self._tracklets = Tracklets(site.evidence, camera.name, embedder.id)
        self._in_flight = in_flight
        self._alerts: set[asyncio.Task[None]] = set()
        self._begin()
        self.refusal = ""
        """Why the matcher made no comparison the last time it was asked; empty when it did."""

    async def run(self, feed: Feed) -> None:
        """Work until the feed ends; every tracklet is forgotten when this returns. It may be called again.

        Raises:
            Exception: What the feed raised, or a fault of the chain's own. Alerts on their way still reach the desk.
        """
        self._begin()
        line: asyncio.Queue[tuple[Frame, Mapping] | None] = asyncio.Queue()
        beside = [asyncio.create_task(self._produce(feed, line)), asyncio.create_task(self._look_round())]
        try:
            while (item := await line.get()) is not None:
                await self._take_up(*item)
                del item  # not kept while the next one is waited for: it shows faces
            await beside[0]
            await self._finish()
        finally:
            ending = {*beside, *self._comparing, *self._detecting}
            for task in ending:
                task.cancel()
            self._tracker.finish()
            self._tracklets.clear()
            await asyncio.gather(*ending, return_exceptions=True)
            self._detecting.clear()

    def _begin(self) -> None:
        """Nothing is under way."""
        self._slots = asyncio.Semaphore(self._in_flight)
        self._comparisons = asyncio.Semaphore(COMPARISONS_IN_FLIGHT)
        self._detecting: deque[asyncio.Task[Faces]] = deque()
        self._comparing: set[asyncio.Task[None]] = set()
        self._looked_s = self._clock.steady_s()

    async def _produce(self, feed: Feed, line: asyncio.Queue[tuple[Frame, Mapping] | None]) -> None:
        """Send frames to the detector: first a free slot, only then the newest frame."""
        try:
            while True:
                await self._slots.acquire()
                frame = await feed.get_async()
                if frame is None:
                    return
                self._meter.count("frames_total", camera=self._camera.name)
                line.put_nowait((frame, self._send(frame)))
                del frame
        finally:
            line.put_nowait(None)

    def _send(self, frame: Frame) -> Mapping:
        canvas, mapping = fit(frame.pixels, *canvas_for(frame.width_px, frame.height_px, self._site.detector))
        self._detecting.append(asyncio.create_task(self._detect(canvas)))
        return mapping

    async def _look_round(self) -> None:
        """While no frame comes, tracks end in time all the same, and what has ended is forgotten."""
        while True:
            await asyncio.sleep(LOOK_ROUND_S)
            waiting = self._camera.pace == "full" or self._detecting
            limit_s = max(STUCK_S, self._site.track.lost_s) if waiting else self._site.track.lost_s
            if self._clock.steady_s() - self._looked_s >= limit_s:
                self._end(self._tracker.finish())
            self._forget()

    async def _detect(self, canvas: Picture) -> Faces:
        began_s = self._clock.steady_s()
        faces = await self._stages.detect(canvas)
        self._meter.time("detect_seconds", self._clock.steady_s() - began_s)
        return faces

    async def _take_up(self, frame: Frame, mapping: Mapping) -> None:
        """One frame's faces have come: follow, gate, and send the good views on."""
        try:
            faces = mapping.back(await self._detecting[0])
        except Exception as error:  # noqa: BLE001  (a lost replica costs this frame, not the camera)
            self._failed("detect", error)
            return
        finally:
            self._detecting.popleft()
            self._slots.release()
        self._looked_s = self._clock.steady_s()
        self._meter.count("faces_detected_total", len(faces), camera=self._camera.name)
        wanted = self._observe(frame, faces)
        if wanted.views:
            await self._comparisons.acquire()
            _spawn(self._compare(frame, faces, wanted), self._comparing)
        self._forget()

    def _observe(self, frame: Frame, faces: Faces) -> Wanted:
        """Follow every face and pick the views that are worth a comparison."""
        tracked = self._tracker.update(faces, frame.captured_s)
        self._end(tracked.ended)
        wanted = Wanted([], [])
        if not tracked.rows:
            return wanted
        rows = list(tracked.rows.values())
        chips = cut_chips(frame.pixels, faces.points[rows], self._chip)
        for (track, row), chip in zip(tracked.rows.items(), chips, strict=True):
            box, points = faces.boxes[row], faces.points[row]
            quality = assess(box, points, float(faces.scores[row]), chip, self._site.quality, self._camera.min_face_px)
            if not quality.accepted:
                self._meter.count("views_rejected_total", camera=self._camera.name, reason=quality.reason)
            if not self._tracklets.wants(track, quality, frame.index, frame.captured_s):
                continue
            covered = "" if self._occlusion is None else self._occlusion.kind(chip)
            if covered is None:
                self._meter.count("views_rejected_total", camera=self._camera.name, reason=COVERED)
                self._tracklets.withdraw(track, frame.index)
                self._tracklets.settle(track)
                continue
            moments = (frame.captured_s, frame.captured_at)
            second = self._second_chip(frame, points)
            wanted.views.append(View(track, frame.index, *moments, box, points, quality, chip.copy(), covered, second))
            wanted.crops.append(crop_face(frame.pixels, box))
        return wanted

    def _second_chip(self, frame: Frame, points: Floats) -> Picture | None:
        if self._second is None:
            return None
        (chip,) = cut_chips(frame.pixels, points[np.newaxis], chip_spec(self._second))
        return np.asarray(chip, np.uint8)

    async def _compare(self, frame: Frame, faces: Faces, wanted: Wanted) -> None:
        """Embed and match one frame's good views; raise what comes of it."""
        try:
            await asyncio.wait_for(self._embed_and_match(frame, faces, wanted), COMPARISON_LIMIT_S)
        except Exception as error:  # noqa: BLE001  (as in _take_up)
            self._failed("compare", error)
            for view in wanted.views:
                self._tracklets.withdraw(view.track, view.frame_index)
        finally:
            for view in wanted.views:
                self._tracklets.settle(view.track)
            self._comparisons.release()
            self._forget()

    async def _embed_and_match(self, frame: Frame, faces: Faces, wanted: Wanted) -> None:
        began_s = self._clock.steady_s()
        covered = [view.covered for view in wanted.views]
        chips = with_painted(np.stack([view.chip for view in wanted.views]), covered, self._chip)
        found = await self._stages.embed(chips)
        self._meter.time("embed_seconds", self._clock.steady_s() - began_s)
        self._meter.count("views_embedded_total", len(wanted.views), camera=self._camera.name)
        ready = []
        vectors, stability = joined(found.vectors, covered), found.stability[: len(covered)]
        for view, vector, stable, crop in zip(wanted.views, vectors, stability, wanted.crops, strict=True):
            if self._is_unstable(view, float(stable)):
                self._meter.count("views_rejected_total", camera=self._camera.name, reason=UNSTABLE)
                self._tracklets.withdraw(view.track, view.frame_index)
                continue
            probe = self._tracklets.add(view, vector, crop)
            if probe is not None:
                ready.append((view, probe))
        if not ready:
            return
        began_s = self._clock.steady_s()
        answers = await self._stages.match([probe for _, probe in ready])
        self._meter.time("match_seconds", self._clock.steady_s() - began_s)
        self._meter.time("capture_to_answer_seconds", self._clock.steady_s() - frame.seen_s)
        for (view, _), answer in zip(ready, answers, strict=True):
            await self._answer(frame, faces, view, answer)

    def _is_unstable(self, view: View, stability: float) -> bool:
        """Whether the vector says more of this look than of the face; for covered faces that was not measured."""
        return self._min_stability is not None and not view.covered and stability < self._min_stability

    async def _answer(self, frame: Frame, faces: Faces, view: View, answer: Answer) -> None:
        if answer.refused:
            self._refused(answer.refused)
            self._tracklets.clear_vectors()
            return
        self.refusal = ""
        if answer.match is None or not await self._is_confirmed(view, answer.match):
            return
        if await self._is_attack(frame, view):
            return
        portrait = self._tracklets.alerted(view.track)
        if portrait is not None:
            sighting = sighting_of(frame, faces, view, answer, answer.match, portrait, self._model, self._run_id)
            _spawn(self._raise(sighting, frame.seen_s), self._alerts)

    def _refused(self, why: str) -> None:
        self.refusal = why
        self._meter.count("comparisons_refused_total", camera=self._camera.name)

    async def _is_confirmed(self, view: View, match: Match) -> bool:
        """Whether the second model, where there is one, says the same person of the same views."""
        if self._second is None:
            return True
        views = self._tracklets.for_second_model(view.track)
        if views is None:
            return False
        found = await self._stages.embed_second(views[0])
        probe = Probe(self._camera.name, view.track, view.captured_at, self._second.id, found.vectors, views[1])
        (answer,) = await self._stages.match([probe])
        if answer.refused:
            self._refused(answer.refused)
            return False
        if answer.match is not None and answer.match.entry_id == match.entry_id:
            return True
        self._meter.count("matches_withheld_total", camera=self._camera.name, reason="second model")
        return False

    async def _is_attack(self, frame: Frame, view: View) -> bool:
        """Whether the face looks like a picture of one, over all of its tracklet's views that matched."""
        limit = self._site.attack.threshold
        if limit is None:
            return False
        score = await self._stages.attack_score(*surroundings(frame.pixels, view.box, SURROUNDINGS))
        if self._tracklets.mean_attack_score(view.track, score) < limit:
            return False
        self._meter.count("matches_withheld_total", camera=self._camera.name, reason="attack")
        return True

    async def _raise(self, sighting: Sighting, seen_s: float) -> None:
        """Hand a sighting over until the desk has acknowledged it: the key makes repeating harmless."""
        pause_s = RETRY_FIRST_S
        while True:
            try:
                await self._stages.raise_alert(sighting)
                break
            except RefusedError as error:
                self._failed("alert", error)
                return
            except Exception as error:  # noqa: BLE001  (an alert is never lost for want of trying)
                self._failed("alert", error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MOST_S)
        self._meter.time("capture_to_alert_seconds", self._clock.steady_s() - seen_s, camera=self._camera.name)

    def _end(self, tracks: tuple[int, ...]) -> None:
        self._tracklets.end(tracks, self._clock.steady_s())

    def _forget(self) -> None:
        for gone in self._tracklets.forget(self._clock.steady_s(), FORGET_LIMIT_S):
            self._meter.count("faces_seen_total", camera=self._camera.name)
            self._meter.count("faces_forgotten_total", camera=self._camera.name)
            if gone.compared:
                self._meter.count("faces_compared_total", camera=self._camera.name)
            self._meter.time("track_end_to_forgotten_seconds", gone.after_s)

    async def _finish(self) -> None:
        """The feed has ended: finish what is under way, then forget."""
        while self._comparing:
            await asyncio.wait(self._comparing)
        self._end(self._tracker.finish())
        self._forget()
        while self._alerts:
            await asyncio.wait(self._alerts)

    def _failed(self, stage: str, error: Exception) -> None:
        """Count and name a failure; its text could quote data, so only the kind is logged."""
        self._meter.count("stage_failures_total", camera=self._camera.name, stage=stage)
        log.warning("stage failed", camera=self._camera.name, stage=stage, error=type(error).__name__)


def _spawn(job: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(job)
    among.add(task)
    task.add_done_callback(among.discard)
