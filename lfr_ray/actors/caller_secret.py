"""What only the processes of a site can show: a secret in its data folder. Actors that hold faces answer nobody else.

A driver that joins the cluster with its token can find every actor by name. It is not answered, and that is recorded.
The secret is no argument that Ray or Serve keeps: actors are made with its hash. It travels with each question.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol

from lfr_ray.actors.ray_private import NO_MORE_METHODS
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import exclusive, write_durable
from lfr_ray.errors import RefusedError
from lfr_ray.structured_logs import get_logger

TOLD_EVERY_S = 60.0
"""Between two records of strangers, however often they ask."""

log = get_logger()


class Guarded(Protocol):
    """A class of which a guarded actor is made."""

    def tell_stranger(self, method: str) -> None:
        """Put on record that somebody without the capability called a method. Called now and then only."""


def capability_of(data_dir: DataDir) -> str:
    """The site's secret, made at the first use."""
    path = data_dir.capability
    if not path.exists():
        with exclusive(data_dir.keys_lock, "making the capability", wait=True):
            if not path.exists():
                write_durable(path, secrets.token_hex(32).encode(), 0o600)
    return path.read_text(encoding="ascii")


def sha256_of(capability: str) -> str:
    """What an actor is made with, to know its site's processes by."""
    return hashlib.sha256(capability.encode()).hexdigest()


class Door:
    """Lets in who shows the capability.

    Args:
        sha256: Of the capability.
        tell: Puts on record which method a stranger called.
    """

    def __init__(self, sha256: str, tell: Callable[[str], None]) -> None:
        self._sha256 = sha256
        self._tell = tell
        self._told_s = float("-inf")

    def check(self, capability: object, method: str) -> None:
        """Let the call pass.

        Raises:
            RefusedError: The capability is missing or wrong.
        """
        if isinstance(capability, str) and hmac.compare_digest(sha256_of(capability), self._sha256):
            return
        now_s = time.monotonic()
        if now_s - self._told_s >= TOLD_EVERY_S:
            self._told_s = now_s
            log.warning("a call without the site's capability was refused", method=method)
            self._tell(method)
        raise RefusedError(
            "this process answers the processes of its own site alone",
            got=f"{method} without the site's capability",
            next_step="run the command where the site's data folder is, as the user whom it belongs to",
        )


def guarded(kind: type[Guarded]) -> type:
    """A class with the public methods of another, each of which wants the capability first, and with no more.

    Its instances hold one of the other class: Ray lets whoever has an actor's handle call private methods too.
    """

    def __init__(self: Any, sha256: str, *args: Any) -> None:
        if hasattr(self, "_door"):  # Ray lets them call this as well
            raise RefusedError("this process has begun already")
        self._inner = kind(*args)
        self._door = Door(sha256, self._inner.tell_stranger)

    methods = inspect.getmembers(kind, inspect.isfunction)
    public = {name: _checked(method) for name, method in methods if not name.startswith("_")}
    return type(kind.__name__, (), {"__init__": __init__, NO_MORE_METHODS: kind, **public})


def _checked(method: Callable[..., Any]) -> Callable[..., Any]:
    name = method.__name__

    def call(self: Any, capability: object = None, *args: Any, **kwargs: Any) -> Any:
        self._door.check(capability, name)
        return getattr(self._inner, name)(*args, **kwargs)

    async def call_async(self: Any, capability: object = None, *args: Any, **kwargs: Any) -> Any:
        self._door.check(capability, name)
        return await getattr(self._inner, name)(*args, **kwargs)

    made = call_async if inspect.iscoroutinefunction(method) else call
    made.__name__ = made.__qualname__ = name
    vars(made).update(vars(method))  # which threads answer
    return made
