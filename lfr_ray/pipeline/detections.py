"""The faces of a camera's frames, in the order of the frames, while several frames are at the detector at once.

Where nothing has moved since the detector's last look, what it saw then holds for the frame.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from lfr_ray.camera.frame_pace import Spacing
from lfr_ray.camera.motion import MotionCheck
from lfr_ray.camera.open_footage import takes_every_frame
from lfr_ray.clock import Clock, sleep_by, wait_by
from lfr_ray.config import CameraConfig, DetectorConfig
from lfr_ray.detect.canvas_size import canvas_for
from lfr_ray.detect.letterbox import Placement, fit
from lfr_ray.pipeline.camera_counts import DETECT, CameraCounts
from lfr_ray.pipeline.frames_in_flight import InFlight, after_answer
from lfr_ray.pipeline.stage_protocols import FrameSource, Stages
from lfr_ray.records import Faces, Frame, Picture

SLOW_TIMES = 3.0
"""A frame may take so many times as long as frames do lately."""

SMOOTH = 0.2
"""Weight of the newest answer in that."""

LONGEST_S = 5.0
"""No frame that may be dropped waits longer."""


@dataclass(eq=False, repr=False)
class Detections:
    """Reads frames and sends them to the detector, from when it is made until it is closed.

    Attributes:
        camera: Whether it has a motion check, and whether its frames are spaced evenly: where some may be dropped.
        config: How large a picture the detector gets.
        in_flight: Frames at the detector at once, at most.
        interval_s: Between two frames that the camera gives, where it is found out how many are of use; None: always
            so many.
        shortest_limit_s: A frame waits so long for its answer, then it is dropped, but longer while the detector
            answers and is slow by itself; None: as long as it takes.
    """

    source: FrameSource
    camera: CameraConfig
    config: DetectorConfig
    stages: Stages
    clock: Clock
    counts: CameraCounts
    in_flight: int
    interval_s: float | None = None
    shortest_limit_s: float | None = None

    def __post_init__(self) -> None:
        self._usual_s = 0.0
        self._free = asyncio.Semaphore(self.in_flight)
        self._useful = InFlight()
        self._spacing = None if takes_every_frame(self.camera) else Spacing()
        self._motion = MotionCheck() if self.camera.motion else None
        self._last: tuple[asyncio.Task[Faces], Placement] | None = None
        """The newest look of the detector; only kept for a motion check."""
        self._sent: asyncio.Queue[tuple[Frame, Placement] | None] = asyncio.Queue()
        self._learning: asyncio.Task[None] | None = None
        self._under_way: deque[asyncio.Task[Faces]] = deque()
        self._reading = asyncio.create_task(self._read(self.source))

    @property
    def under_way(self) -> bool:
        """Whether the faces of a frame that was read have not been taken yet."""
        return bool(self._under_way)

    @property
    def limit_s(self) -> float | None:
        """How long a frame waits for its answer now; None: as long as it takes."""
        if self.shortest_limit_s is None:
            return None
        return min(LONGEST_S, max(self.shortest_limit_s, SLOW_TIMES * self._usual_s))

    async def next(self) -> tuple[Frame, Faces] | None:
        """The next frame and its faces; None when no more frames come. Frames whose detection failed are left out.

        Raises:
            Exception: What the source raised.
        """
        while (sent := await self._sent.get()) is not None:
            frame, placement = sent
            try:
                return frame, placement.back(await self._under_way[0])
            except Exception as error:  # noqa: BLE001  (a lost replica costs this frame, not the camera)
                self.counts.failed("detect", error)
            finally:
                self._under_way.popleft()
                self._free.release()
            # Not kept while the next one is waited for: it shows faces.
            del sent, frame
        await self._reading
        return None

    async def close(self) -> None:
        """Read no more, and drop what is under way."""
        ending = [self._reading, *self._under_way, *([] if self._learning is None else [self._learning])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _read(self, source: FrameSource) -> None:
        """Send frames to the detector: first wait until it may take one, only then ask for the newest."""
        try:
            while True:
                await self._free.acquire()
                most = self.in_flight if self.interval_s is None else self._useful.allowed * self.camera.priority
                while len(waiting := self._at_detector()) >= most:
                    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if self._spacing is not None:
                    alone = most == self.camera.priority
                    await sleep_by(self.clock, self._spacing.wait_s(most, self.clock.steady_s(), alone=alone))
                frame = await source.get_async()
                if frame is None:
                    return
                self.counts.add("frames_total")
                look, placement = self._still(frame) or self._look(frame)
                self._under_way.append(look)
                self._sent.put_nowait((frame, placement))
                del frame, look
        finally:
            self._sent.put_nowait(None)

    def _at_detector(self) -> list[asyncio.Task[Faces]]:
        return [task for task in self._under_way if not task.done()]

    def _still(self, frame: Frame) -> tuple[asyncio.Task[Faces], Placement] | None:
        """The last look, where it holds for this frame as well."""
        if self._motion is None or frame.single:
            return None
        last = None if self._last is None else self._last[0]
        failed = last is not None and last.done() and (last.cancelled() or last.exception() is not None)
        seen = last is None or not last.done() or failed or len(last.result()) > 0
        if self._motion.moved(frame.image, frame.captured_s, seen=seen) or failed:
            return None
        self.counts.add("frames_still_total")
        return self._last

    def _look(self, frame: Frame) -> tuple[asyncio.Task[Faces], Placement]:
        if self._spacing is not None:
            self._spacing = replace(self._spacing, sent_s=self.clock.steady_s())
        canvas, placement = fit(frame.image, *canvas_for(frame.width_px, frame.height_px, self.config))
        look = asyncio.create_task(self._detect(canvas))
        if self._motion is not None:
            self._last = look, placement
        return look, placement

    async def _detect(self, canvas: Picture) -> Faces:
        began_s, limit_s = self.clock.steady_s(), self.limit_s
        try:
            with self.counts.timed(DETECT):
                faces = await wait_by(self.clock, self.stages.detect(canvas), limit_s)
        except asyncio.TimeoutError:
            if limit_s != self.shortest_limit_s:
                self._usual_s = 0.0  # it was slow, now it is silent: nobody waits so long again
            if self._learning is None or self._learning.done():
                self._learning = asyncio.create_task(self._learn(np.zeros_like(canvas)))
            raise
        took_s, waited_s = self.clock.steady_s() - began_s, faces.waited_s / self.clock.slower
        self._usual_s += (SMOOTH if self._usual_s else 1.0) * (took_s - self._usual_s)
        if self.interval_s is not None:
            self._useful = after_answer(self._useful, took_s, self.interval_s, waited_s)
        if self._spacing is not None:
            self._spacing = self._spacing.answered(took_s, waited_s)
        return faces

    async def _learn(self, blank: Picture) -> None:
        """How slow the detector is, or a machine that grew slow would never be waited for. No face waits for that."""
        began_s = self.clock.steady_s()
        with contextlib.suppress(Exception):
            await wait_by(self.clock, self.stages.detect(blank), LONGEST_S)
            self._usual_s = self.clock.steady_s() - began_s
