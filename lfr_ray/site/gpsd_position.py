"""Where the site is now, from a gpsd (https://gpsd.gitlab.io/gpsd/gpsd_json.html)."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
import time

from lfr_ray.govern.authority import Position

WATCH = b'?WATCH={"enable":true,"json":true}\n'
TIMEOUT_S = 5.0
RETRY_S = 1.0
FIX_2D = 2
"""Least ``mode`` of a report that has a position."""


class Gpsd:
    """Reads reports from HOST:PORT in a thread of its own and keeps the newest position.

    A position older than ``max_age_s`` counts as none: whoever pulls the aerial out does not stay at the last place.
    """

    def __init__(self, address: str, max_age_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._max_age_s = max_age_s
        self._newest: tuple[Position, float] | None = None
        self._ended = threading.Event()
        self._link: socket.socket | None = None
        self._thread = threading.Thread(target=self._follow, name="gpsd", daemon=True)
        self._thread.start()

    def position(self) -> Position | None:
        """Degrees; None without a fix of lately."""
        newest = self._newest
        if newest is None or time.monotonic() - newest[1] > self._max_age_s:
            return None
        return newest[0]

    def close(self) -> None:
        """End the connection and the thread."""
        self._ended.set()
        if (link := self._link) is not None:
            with contextlib.suppress(OSError):  # it is closed already
                link.shutdown(socket.SHUT_RDWR)
        self._thread.join(2 * TIMEOUT_S)

    def _follow(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError), socket.create_connection(self._target, TIMEOUT_S) as link:
                self._link = link
                link.sendall(WATCH)
                with link.makefile("rb") as reports:
                    for line in reports:
                        self._take(line)
            self._ended.wait(RETRY_S)

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            report = json.loads(line)
            if report["class"] == "TPV" and report["mode"] >= FIX_2D:
                self._newest = ((float(report["lat"]), float(report["lon"])), time.monotonic())
            elif report["class"] == "TPV":
                self._newest = None


@functools.cache
def gpsd_at(address: str, max_age_s: float) -> Gpsd:
    """One reader a process and address."""
    return Gpsd(address, max_age_s)
