"""The whole chain of one camera: frames in, alerts out, everyone else forgotten.

    detect -> follow -> choose views -> embed -> match -> raise

``detections.py`` detects, ``comparison.py`` embeds, matches and raises; the rest is here. The comparison of a frame's
faces goes on beside the next frames.

The same code runs in one process (tests, benchmarks, evaluation) and inside a camera actor: what differs is the
:class:`~lfr_ray.pipeline.stage_protocols.Stages` that it is given.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass

import numpy as np

from lfr_ray.camera.open_footage import takes_every_frame
from lfr_ray.camera.redact_faces import crop_face
from lfr_ray.clock import CAMERA_AHEAD, Clock, sleep_by, wait_by
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.view_quality import assess, fault_of_place
from lfr_ray.focus_config import CameraFocus
from lfr_ray.health import Looks
from lfr_ray.metrics import Meter
from lfr_ray.models.cards import ModelCard, chip_spec
from lfr_ray.models.shrink_pictures import halved_to
from lfr_ray.pipeline.camera_counts import CameraCounts
from lfr_ray.pipeline.comparison import ChosenViews, Comparison
from lfr_ray.pipeline.detections import Detections
from lfr_ray.pipeline.face_cutout import around
from lfr_ray.pipeline.order_of_checks import Checks
from lfr_ray.pipeline.others_nearby import OthersNearby
from lfr_ray.pipeline.people_count import JOIN_S, PeopleEstimate
from lfr_ray.pipeline.preview import Preview
from lfr_ray.pipeline.send_sightings import AlertSender
from lfr_ray.pipeline.stage_protocols import FrameSource, Stages
from lfr_ray.pipeline.tracklets import Tracklets
from lfr_ray.records import Faces, Frame, View
from lfr_ray.tracing import Traces
from lfr_ray.track.tracker import SLOW_S, FaceTracker

FORGET_LIMIT_S = 0.8
"""An ended tracklet is dropped after this long even if its last comparison has not come back."""

FORGET_EVERY_S = 0.1
"""How often ended tracklets are looked for, whether or not frames come."""

HELD_S = 1.0
"""A live frame, and whoever is on it, waits no longer for a detector, unless that answers and is slow by itself
(see :attr:`~lfr_ray.pipeline.detections.Detections.limit_s`)."""

DETECTOR_LIMIT_S = 5.0
"""After so long without detections every track of a recording has ended: it may be read slowly, and what comes of it
must not depend on the speed of the machine."""

MAX_COMPARISONS = 8
"""Frames whose faces may be under comparison at once; beyond, the camera waits."""

CROP_PX = 480
"""A face with its margin is halved as often as it stays so wide: people see no more, and of 8K it would take 12 MB."""

COMPARISON_LIMIT_S = 15.0
"""A comparison that takes so long has failed: it must not stop the camera for ever."""


NO_SINGLE_FIT = (
    "the embedder's model card has no fit of single pictures, so that one picture alone is never enough for an alert; "
    "`lfr calibrate` measures one"
)


@dataclass(eq=False, repr=False)
class CameraSteps:
    """One camera's chain.

    ``run_id`` differs between two runs of the same camera, so that their alerts' keys differ. ``checks``, which views
    and matches must pass, are those of :func:`~lfr_ray.pipeline.order_of_checks.checks_for`. At most ``in_flight``
    frames are at the detector at once.
    """

    camera: CameraConfig
    site: SiteConfig
    embedder: ModelCard
    stages: Stages
    clock: Clock
    meter: Meter
    _: KW_ONLY
    run_id: str
    checks: Checks
    in_flight: int = 4

    def __post_init__(self) -> None:
        self.focus: CameraFocus = self.camera
        self._chip, calibration = chip_spec(self.embedder), self.embedder.calibration
        self._judges_single = calibration is not None and calibration.tail is not None
        self._counts = CameraCounts(self.meter, self.clock, self.camera.name)
        traces = Traces(self.site.outputs.traces, self.site.site, "camera")
        self._tracker = FaceTracker(self.site.track)
        self._people = PeopleEstimate()
        self._tracklets = Tracklets(self.site.evidence, self.camera.name, self.embedder.id)
        self.alerts = AlertSender(self.stages, self.clock, self._counts, traces)
        self._others_nearby = OthersNearby()
        own = (self._tracklets, self._others_nearby, self.checks, self.alerts, self.clock, self._counts, self.run_id)
        self._comparison = Comparison(self.embedder, self.stages, *own)
        self.preview = Preview(self.clock)
        self._newest = (0, 0.0)
        self._wanted_interval_s = 0.0
        self._single = False
        self._comparing: dict[asyncio.Task[None], tuple[int, ...]] = {}
        """The tracks of each comparison that is under way."""

    @property
    def refusal(self) -> str:
        """Why the matcher made no comparison the last time it was asked; empty when it did."""
        return self._comparison.refusal

    def looks(self) -> Looks:
        """How far it comes with its frames."""
        lasting = self.refusal in (NO_SINGLE_FIT, CAMERA_AHEAD)
        return self._counts.looks(self._needed, self.refusal if lasting else "")

    @property
    def _needed(self) -> int:
        """Looks at a face that an alert needs."""
        return 1 if self._judges_alone else self.site.evidence.min_views

    @property
    def _judges_alone(self) -> bool:
        """Single views are judged: of photographs, and of a camera that is slow by itself."""
        seldom = self._tracker.slow and self._wanted_interval_s >= SLOW_S
        return self._judges_single and (self._single or seldom)

    async def run(self, source: FrameSource) -> None:
        """Work until the frames end; every tracklet is forgotten when this returns. It may be called again.

        Raises:
            Exception: What the source raised, or a fault of the chain's own. Alerts on their way are still sent.
        """
        fixed = self.site.frames_in_flight is not None or self.camera.pace == "full"
        self._detections = Detections(
            source,
            self.camera,
            self.site.detector,
            self.stages,
            self.clock,
            self._counts,
            self.in_flight,
            None if fixed else self.camera.least_interval_s,
            None if takes_every_frame(self.camera) else HELD_S,
        )
        self._comparisons = asyncio.Semaphore(MAX_COMPARISONS)
        self._detected_s = self.clock.steady_s()
        forgetting = asyncio.create_task(self._keep_forgetting())
        try:
            while (detected := await self._detections.next()) is not None:
                await self._follow(*detected)
                del detected  # not kept while the next one is waited for: it shows faces
            # No more frames come: what is under way is finished, then forgotten.
            await self._compared()
            self._end(self._tracker.finish())
            self._forget()
            await self.alerts.all_sent()
        finally:
            ending = (forgetting, *self._comparing)
            for task in ending:
                task.cancel()
            self._others_nearby.clear()
            self._end(self._tracker.finish())
            self._forget(0.0)
            self._tracklets.clear()
            self.preview.forget()
            self._people.clear()
            await asyncio.gather(self._detections.close(), *ending, return_exceptions=True)

    async def _follow(self, frame: Frame, faces: Faces) -> None:
        """Follow a frame's faces, and begin to compare the views that are worth it."""
        self._detected_s = self.clock.steady_s()
        self._counts.add("faces_detected_total", len(faces))
        self.preview.note(frame, faces)
        if frame.single and not self._judges_single:
            self._comparison.refusal = NO_SINGLE_FIT
        self._note_interval(frame)
        tracked = self._tracker.update(faces, frame.captured_s)
        self._end(tracked.ended)
        self._others_nearby.add(frame.index, frame.captured_s, faces, tracked.rows)
        come = self._people.look(tracked.rows, faces.boxes, frame.captured_s, self._tracker.lost_s)
        self._counts.add("people_estimated_total", come)
        chosen = self._choose(frame, faces, tracked.rows)
        if chosen.views:
            with ExitStack() as holding:
                holding.enter_context(self._tracklets.held(chosen.views))
                await self._comparisons.acquire()
                holding.callback(self._comparisons.release)
                self._begin_comparison(chosen, holding.pop_all())
        if frame.single:
            # Nobody is followed into another picture, and no comparison is cut short by that.
            await self._compared()
            self._end(self._tracker.finish())
            self._others_nearby.clear()
            self._people.clear()
        self._forget()

    def _note_interval(self, frame: Frame) -> None:
        """Between two frames that the camera gives and the site wants; a machine that drops frames makes it no longer.

        An overloaded site must not alert on one view because it looks seldom.
        """
        index, captured_s = self._newest
        passed = frame.index - index
        own_s = (frame.captured_s - captured_s) / passed if passed > 0 else 0.0
        self._wanted_interval_s = max(own_s, self.camera.least_interval_s)
        self._newest = frame.index, frame.captured_s
        self._single = frame.single

    def _choose(self, frame: Frame, faces: Faces, rows: dict[int, int]) -> ChosenViews:
        """Measure every face's quality, and choose the views that are worth a comparison."""
        chosen = ChosenViews(frame, [], [], {}, self._judges_alone, {"detect": faces.worked})
        for track, row in rows.items():
            x, y = faces.boxes[row].reshape(2, 2).mean(axis=0) / (frame.width_px, frame.height_px)
            if not self.focus.covers(x, y) or not self._tracklets.may_want(track, frame.captured_s):
                continue
            box, points, score = faces.boxes[row], faces.points[row], float(faces.scores[row])
            limits = self.site.quality, self.focus.min_face_px
            if reason := fault_of_place(box, points, score, *limits):
                self._counts.add("views_rejected_total", reason=reason)
                self._tracklets.look(track)
                continue
            part, at_px = around(frame, box, points, self._chip)
            chip = cut_chips(part, points[np.newaxis] - at_px, self._chip)[0]
            quality = assess(box, points, score, chip, *limits)
            if not quality.accepted:
                self._counts.add("views_rejected_total", reason=quality.reason)
            if not self._tracklets.wants(track, quality, frame.index, frame.captured_s):
                continue
            moments = (frame.captured_s, frame.captured_at)
            view = self._checked(View(track, frame.index, *moments, box, points, quality, chip), frame)
            if view is not None:
                chosen.views.append(view)
                chosen.others[track] = others = self._others_nearby.others(view)
                small, scale = halved_to(part, CROP_PX)
                at, times = np.tile(at_px, 2), np.float32(scale)
                chosen.crops.append(crop_face(small, (box - at) * times, (others - at) * times))
        return chosen

    def _checked(self, view: View, frame: Frame) -> View | None:
        """The view after the checks before embedding; None: one of them refuses it."""
        for check in self.checks.views:
            passed = check.before_embedding(view, frame)
            if passed is None:
                self._counts.add("views_rejected_total", reason=check.reason)
                self._tracklets.withdraw(view)
                return None
            view = passed
        return view

    def _begin_comparison(self, chosen: ChosenViews, holding: ExitStack) -> None:
        """Compare in a task of its own. Its end releases what is held, also where it is cancelled before it begins."""

        def ended(task: asyncio.Task[None]) -> None:
            self._comparing.pop(task, None)
            holding.close()
            self._forget()

        task = asyncio.create_task(self._compare(chosen))
        self._comparing[task] = tuple(view.track for view in chosen.views)
        task.add_done_callback(ended)

    async def _compare(self, chosen: ChosenViews) -> None:
        try:
            await wait_by(self.clock, self._comparison.compare(chosen), COMPARISON_LIMIT_S)
        except Exception as error:  # noqa: BLE001  (a lost replica costs these views, not the camera)
            self._counts.failed("compare", error)
            for view in chosen.views:
                self._tracklets.withdraw(view)

    async def _keep_forgetting(self) -> None:
        """While no frame comes, tracks end in time all the same, and what has ended is forgotten."""
        while True:
            await sleep_by(self.clock, FORGET_EVERY_S)
            limit_s = self._tracker.lost_s
            if self.camera.pace == "full":
                limit_s = max(DETECTOR_LIMIT_S, limit_s)
            elif self._detections.under_way:
                limit_s = max(self._detections.limit_s or HELD_S, limit_s)
            waited_s = self.clock.steady_s() - self._detected_s
            if waited_s >= limit_s:
                self._end(self._tracker.finish())
            if waited_s >= limit_s + JOIN_S:
                self._people.clear()
            self._forget()

    def _end(self, tracks: tuple[int, ...]) -> None:
        self._people.end(tracks)
        self._counts.add("faces_seen_total", self._tracklets.end(tracks, self.clock.steady_s()))

    def _forget(self, limit_s: float = FORGET_LIMIT_S) -> None:
        for gone in self._tracklets.forget(self.clock.steady_s(), limit_s):
            self._counts.add("faces_forgotten_total")
            if gone.acquired:
                self._counts.add("faces_compared_total")
                self._counts.passed(gone.looks, self._needed)
            self._counts.lasted("track_end_to_forgotten_seconds", gone.after_s)
        for task, tracks in list(self._comparing.items()):
            # Nothing can come of it any more, and it still holds their faces and vectors.
            if not any(track in self._tracklets for track in tracks):
                task.cancel()

    async def _compared(self) -> None:
        """Wait until no comparison is under way."""
        while self._comparing:
            await asyncio.wait(self._comparing)
