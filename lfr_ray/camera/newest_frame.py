"""The hand-over between a camera's decoder thread and whoever looks at the frames.

:class:`NewestFrame` has one place: a newer frame replaces the one that nobody took, and the loss is
counted. :class:`EveryFrame` has a few places and makes the decoder wait instead. Both are read from an event loop,
whose thread nobody occupies, and keep what is inside when closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections import deque

from lfr_ray.records import Frame


class Mailbox(ABC):
    """What both kinds have in common. Any number of threads and loops may use it at once."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._closed = False
        self.dropped = 0
        """Frames that were replaced before anybody took them."""

    @property
    def ended(self) -> bool:
        """Closed, and everything inside was taken."""
        with self._changed:
            return self._closed and not self._frames

    def put(self, frame: Frame) -> bool:
        """Hand a frame over; False when the mailbox is closed and the frame was not accepted."""
        with self._changed:
            self._make_room()
            if self._closed:
                return False
            self._frames.append(frame)
            self._wake()
            return True

    @abstractmethod
    def _make_room(self) -> None:
        """Before a frame is put in; where the mailbox is closed, what is inside stays."""

    async def get_async(self, timeout_s: float | None = None) -> Frame | None:
        """Take the next frame, waiting for one; None after ``timeout_s``, or at once when the mailbox has ended."""
        loop = asyncio.get_running_loop()
        until_s = None if timeout_s is None else loop.time() + timeout_s
        while True:
            with self._changed:
                if self._frames:
                    return self._take()
                left_s = None if until_s is None else until_s - loop.time()
                if self._closed or (left_s is not None and left_s <= 0):
                    return None
                waiter = (loop, loop.create_future())
                self._waiters.append(waiter)
            try:
                # Cancelling loses no frame: one is only taken above, when this task runs again.
                await asyncio.wait((waiter[1],), timeout=left_s)
            finally:
                with self._changed, contextlib.suppress(ValueError):
                    self._waiters.remove(waiter)

    def close(self) -> None:
        """Accept no more frames and wake everybody who waits."""
        with self._changed:
            self._closed = True
            self._wake()

    def clear(self) -> None:
        """Forget the frames inside."""
        with self._changed:
            self._frames.clear()
            self._wake()

    def _take(self) -> Frame:
        frame = self._frames.popleft()
        self._changed.notify_all()
        return frame

    def _wake(self) -> None:
        self._changed.notify_all()
        waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            # A loop that was closed meanwhile waits for nothing any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_release, future)


class NewestFrame(Mailbox):
    """One place; the newest frame wins and the replaced ones are counted."""

    def _make_room(self) -> None:
        if not self._closed:
            self.dropped += len(self._frames)
            self._frames.clear()


class EveryFrame(Mailbox):
    """A few places; whoever puts waits for room, so that no frame is lost."""

    def __init__(self, places: int = 2) -> None:
        super().__init__()
        self._places = places

    def _make_room(self) -> None:
        self._changed.wait_for(lambda: self._closed or len(self._frames) < self._places)


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
