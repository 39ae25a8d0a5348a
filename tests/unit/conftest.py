"""Unit tests cannot start Ray, sleep or open a socket."""

from __future__ import annotations

import socket
import subprocess
import time
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def _no_ray_sleep_or_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(what: str) -> Any:
        def refused(*args: object, **kwargs: object) -> NoReturn:
            raise AssertionError(f"a unit test must not {what}")

        return refused

    # A model is converted once, by a process of its own: subprocess sleeps while that one ends.
    monkeypatch.setattr(subprocess, "time", SimpleNamespace(sleep=time.sleep))
    monkeypatch.setattr(time, "sleep", refuse("sleep"))
    monkeypatch.setattr(socket.socket, "connect", refuse("open a connection"))
    monkeypatch.setattr(socket.socket, "bind", refuse("bind a socket"))
    try:
        import ray
    except ImportError:
        return
    monkeypatch.setattr(ray, "init", refuse("start Ray"))
