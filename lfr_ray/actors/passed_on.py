"""Methods that a class has only to pass them on to another process."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, TypeVar

from lfr_ray.actors.actor_calls import CalledT, Handle, P, ReplyT

OwnerT = TypeVar("OwnerT")


def asked(
    method: Callable[Concatenate[CalledT, P], Coroutine[Any, Any, ReplyT]], handle: Callable[[OwnerT], Handle[CalledT]]
) -> Callable[Concatenate[OwnerT, P], Coroutine[Any, Any, ReplyT]]:
    """A method that another process answers, with the method's own arguments; ``handle`` gives its handle each time."""

    @wraps(method)
    async def ask(self: OwnerT, /, *args: P.args, **kwargs: P.kwargs) -> ReplyT:
        return await handle(self).ask(method, *args, **kwargs)

    return ask
