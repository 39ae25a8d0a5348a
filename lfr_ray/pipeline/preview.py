"""What a camera sees right now, with every face hidden, made only while somebody asks, and never kept.

A frame's faces are hidden where this frame's detections are and where those of the frames around it are: a detector
that misses a face once has seldom missed it before and after. What is missed every time is small, and too small to be
recognised once the picture is made smaller.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from lfr_ray.camera.redact_faces import hidden_jpeg, preview_picture
from lfr_ray.clock import Clock
from lfr_ray.errors import StreamError
from lfr_ray.records import Faces, Floats, Frame, Picture

EVERY_S = 0.5
"""One picture serves everybody who asks within this time."""

WANTED_S = 2.0
"""After so long without a question nothing is made, and nothing is remembered."""

AROUND_S = 1.0
"""Detections of the frames before count for so long."""

AFTER_FRAMES = 2
"""A picture waits for the detections of so many frames after it."""

ANSWER_S = 1.5


@dataclass(slots=True, eq=False)
class _Pending:
    """A picture that waits for the detections after it."""

    picture: Picture = field(repr=False)
    scale: float
    boxes: list[Floats] = field(repr=False)
    after: int = 0


class Preview:
    """The preview of one camera; ten who ask cost what one costs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_s = self._made_s = float("-inf")
        self._around: deque[tuple[float, Floats]] = deque()
        self._pending: _Pending | None = None
        self._jpeg = b""
        self._next: asyncio.Future[None] | None = None

    def note(self, frame: Frame, faces: Faces) -> None:
        """Look at a frame and its faces, in the order of the frames."""
        now_s = self._clock.steady_s()
        if now_s - self._asked_s > WANTED_S:
            self.forget()
            return
        while self._around and now_s - self._around[0][0] > AROUND_S:
            self._around.popleft()
        if self._pending is not None:
            self._pending.boxes.append(faces.boxes)
            self._pending.after += 1
            if self._pending.after >= AFTER_FRAMES:
                self._finish()
        if self._pending is None and now_s - self._made_s >= EVERY_S:
            self._pending = _Pending(*preview_picture(frame.pixels), [boxes for _, boxes in self._around])
            self._pending.boxes.append(faces.boxes)
        self._around.append((now_s, faces.boxes))

    async def picture(self) -> bytes:
        """The newest picture as a JPEG, at most half a second old where the camera gives pictures.

        Raises:
            StreamError: It gives none.
        """
        self._asked_s = self._clock.steady_s()
        if self._asked_s - self._made_s >= EVERY_S or not self._jpeg:
            # Done with the next picture; the same for everybody who waits.
            self._next = self._next or asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait_for(asyncio.shield(self._next), ANSWER_S)
            except asyncio.TimeoutError:
                if self._pending is None:
                    raise StreamError(
                        "the camera gives no picture now", next_step="look why it is blind, and try again"
                    ) from None
                self._finish()  # the next frame is far off
        return self._jpeg

    def forget(self) -> None:
        """Keep no picture and no box."""
        self._pending, self._jpeg = None, b""
        self._around.clear()

    def _finish(self) -> None:
        assert self._pending is not None
        self._jpeg = hidden_jpeg(self._pending.picture, self._pending.scale, self._pending.boxes)
        self._pending, self._made_s = None, self._clock.steady_s()
        if self._next is not None:
            self._next.set_result(None)
            self._next = None
