"""Waiting for other processes: their errors of ours come back as they were raised."""

from __future__ import annotations

import asyncio
from typing import Any

import ray

from lfr_ray.errors import LfrError, ResourceError


def wait_for(asked: Any) -> Any:
    """An actor's answer, for those who are not in an event loop; raises what :func:`answer` raises."""
    try:
        return ray.get(asked)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LfrError):
            raise error.cause from None
        raise
    except ray.exceptions.RayActorError:
        raise ResourceError("a process of the site has died", next_step="start again") from None


async def answer(asked: Any) -> Any:
    """What an actor or deployment answers.

    Raises:
        LfrError: What the other side raised, if it was one of ours.
        ResourceError: The other process has died; it is being restarted.
        ray.exceptions.RayError: Anything else that went wrong there.
    """
    try:
        return await asked
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LfrError):
            raise error.cause from None
        raise
    except ray.exceptions.RayActorError:
        raise ResourceError("a process of the site has died", next_step="it is being restarted; try again") from None


async def answer_within(asked: Any, limit_s: float) -> Any:
    """The same, or None when it is late or the other process is gone."""
    try:
        return await asyncio.wait_for(answer(asked), limit_s)
    except (asyncio.TimeoutError, ResourceError, ray.exceptions.RayError):
        return None
