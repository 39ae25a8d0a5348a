"""Calls to other processes: typed handles; see ``actor_reply.py`` for what comes back.

Ray's handles are untyped, so a wrong name would be seen only when it is called. A :class:`Handle` is asked with the
method itself, out of :mod:`lfr_ray.actors.actor_protocols`: mypy then checks the name, the arguments and the reply.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import ray

from lfr_ray.actors.actor_reply import Reply

CalledT = TypeVar("CalledT", covariant=True)
ReplyT = TypeVar("ReplyT")
P = ParamSpec("P")


class Handle(Generic[CalledT]):
    """A handle of an actor or a deployment that has the methods of a protocol. It may travel to other processes.

    Args:
        remote: Ray's or Serve's own handle.
        capability: Of an actor: what its site's processes show; see ``caller_secret.py``.
        group: Of an actor: the threads that answer, other than those for its work.
        limit_s: For so long an answer is awaited; None: for ever.
        withdrawn: A question that has not begun is taken back once nobody awaits its answer.
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

    def limited(self, limit_s: float, *, withdrawn: bool = False) -> Handle[CalledT]:
        """The same, awaited for so long only.

        ``withdrawn`` is for actors that take one call at a time: what waits there for nobody keeps others waiting. A
        question that has begun goes on.
        """
        return Handle(self.remote, *self._shown, group=self._group, limit_s=limit_s, withdrawn=withdrawn)

    def in_group(self, group: str) -> Handle[CalledT]:
        """The same, answered by other threads."""
        return Handle(self.remote, *self._shown, group=group, limit_s=self._limit_s, withdrawn=self._withdrawn)

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
