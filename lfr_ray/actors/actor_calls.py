"""Calls to other processes: typed handles, and replies in which our own errors come back as they were raised.

Ray's handles are untyped, so a wrong name would be seen only when it is called. A :class:`Handle` is asked with the
method itself, out of :mod:`lfr_ray.actors.actor_protocols`: mypy then checks the name, the arguments and the reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import ray

from lfr_ray.errors import LfrError, ResourceError

CalledT = TypeVar("CalledT", covariant=True)
ReplyT = TypeVar("ReplyT")
P = ParamSpec("P")


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


class Handle(Generic[CalledT]):
    """A handle of an actor or a deployment that has the methods of a protocol. It may travel to other processes.

    Args:
        remote: Ray's or Serve's own handle.
        capability: Of an actor: what its site's processes show; see ``caller_secret.py``.
        group: Of an actor: the threads that answer, other than those for its work.
        limit_s: For so long an answer is awaited; None: for ever.
        withdrawn: A question is taken back once nobody awaits its answer.
    """

    def __init__(
        self,
        remote: Any,
        capability: str = "",
        *,
        group: str = "",
        limit_s: float | None = None,
        withdrawn: bool = False,
    ) -> None:
        self.remote = remote
        self._shown = (capability,) if capability else ()
        self._group = group
        self._limit_s, self._withdrawn = limit_s, withdrawn
        self._methods: dict[str, Any] = {}

    def limited(self, limit_s: float) -> Handle[CalledT]:
        """The same, awaited for so long only."""
        return Handle(self.remote, *self._shown, group=self._group, limit_s=limit_s)

    def while_wanted(self, limit_s: float) -> Handle[CalledT]:
        """The same, and a question that has not begun is taken back then, or once nobody awaits its answer.

        For actors that take one call at a time: what waits there for nobody would keep the others waiting. What has
        begun goes on.
        """
        return Handle(self.remote, *self._shown, group=self._group, limit_s=limit_s, withdrawn=True)

    def in_group(self, group: str) -> Handle[CalledT]:
        """The same, answered by other threads."""
        return Handle(self.remote, *self._shown, group=group, limit_s=self._limit_s)

    @overload
    def ask(
        self, method: Callable[Concatenate[CalledT, P], Coroutine[Any, Any, ReplyT]], *args: P.args, **kwargs: P.kwargs
    ) -> Reply[ReplyT]: ...

    @overload
    def ask(
        self, method: Callable[Concatenate[CalledT, P], ReplyT], *args: P.args, **kwargs: P.kwargs
    ) -> Reply[ReplyT]: ...

    def ask(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Reply[Any]:
        """Call a method over there.

        Args:
            method: The protocol's method, like ``MatcherCalls.match``.
            args: The method's own arguments.
            kwargs: The method's own arguments.
        """
        name = method.__name__
        # Kept, because each new handle of a deployment's method costs the Serve controller work.
        if name not in self._methods:
            found = getattr(self.remote, name)
            self._methods[name] = found.options(concurrency_group=self._group) if self._group else found
        pending = self._methods[name].remote(*self._shown, *args, **kwargs)
        return Reply(pending, self._limit_s, withdrawn=self._withdrawn)

    def kill(self) -> None:
        """End an actor for good."""
        ray.kill(self.remote)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_methods": {}}


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
