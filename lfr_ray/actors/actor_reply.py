"""Replies of other processes, in which our own errors come back as they were raised."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import ray

from lfr_ray.errors import LfrError, ResourceError

ReplyT = TypeVar("ReplyT")


class Reply(Generic[ReplyT]):
    """What another process will answer: to be awaited or, outside an event loop, waited for.

    Both raise:

    * LfrError: what the other side raised, if it was one of ours;
    * ResourceError: the other process has died and is being restarted, or (awaited) gives no answer in time;
    * ray.exceptions.RayError: anything else that went wrong there.

    Args:
        pending: Ray's object reference, or Serve's response.
        limit_s: For so long the answer is awaited; None: for ever.
        withdrawn: The question is taken back once nobody awaits its answer.
    """

    def __init__(self, pending: Any, limit_s: float | None = None, *, withdrawn: bool = False) -> None:
        self.pending = pending
        self._limit_s = limit_s
        self._withdrawn = withdrawn

    def __await__(self) -> Generator[Any, None, ReplyT]:
        return self._in_time().__await__()

    def wait(self, limit_s: float | None = None) -> ReplyT:
        """The answer, for those who are not in an event loop.

        Raises:
            TimeoutError: It is late.
        """
        with _our_errors():
            of_actor = isinstance(self.pending, ray.ObjectRef)  # Serve takes a second to load; not all need it
            answer: ReplyT = (
                ray.get(self.pending, timeout=limit_s) if of_actor else self.pending.result(timeout_s=limit_s)
            )
            return answer

    async def within(self, limit_s: float) -> ReplyT | None:
        """The answer, or None when it is late or the other process is gone."""
        try:
            return await asyncio.wait_for(self._awaited(), limit_s)
        except (asyncio.TimeoutError, ResourceError, ray.exceptions.RayError):
            return None

    async def _in_time(self) -> ReplyT:
        try:
            return await asyncio.wait_for(self._awaited(), self._limit_s)
        except asyncio.TimeoutError:
            raise ResourceError(
                "a process of the site does not answer",
                got=f"nothing within {self._limit_s:g} s",
                next_step="it is started anew if it stays so; try again",
            ) from None

    async def _awaited(self) -> ReplyT:
        try:
            with _our_errors():
                answer: ReplyT = await self.pending
                return answer
        except asyncio.CancelledError:
            if self._withdrawn and isinstance(self.pending, ray.ObjectRef):
                ray.cancel(self.pending)
            raise


@contextmanager
def _our_errors() -> Iterator[None]:
    """An error of ours is raised as it was on the other side, without Ray's wrapping."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LfrError):
            raise error.cause from None
        raise
    except ray.exceptions.RayActorError:
        raise ResourceError("a process of the site has died", next_step="it is being restarted; try again") from None
